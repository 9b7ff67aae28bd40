import type { Wordings } from './wording.ts';

export const webProblems = {
  'web.port_taken': { severity: 'problem', title: 'The port is taken', cause: 'Another program listens on {host}:{port}.', remedy: 'Choose another with --port, or leave it out.', retry: 'no' },
  'web.no_port': { severity: 'problem', title: 'No port is free', cause: 'Ports {from} to {to} on {host} are all taken.', remedy: 'Choose one with --port.', retry: 'no' },
  'web.needs_tls': { severity: 'problem', title: 'Off this machine the web face needs TLS', cause: '{host} is not a loopback address.', remedy: 'Give --cert and --key, or say --insecure.', retry: 'no' },
  'web.bad_host': { severity: 'problem', title: 'The host cannot be used', cause: '{host}: {detail}', remedy: 'Use 127.0.0.1, or an address of this machine.', retry: 'no' },
  'web.bad_certificate': { severity: 'problem', title: 'The certificate cannot be used', cause: '{detail}', remedy: 'Give a PEM certificate and its key.', retry: 'no' },
  'web.unauthorised': { severity: 'problem', title: 'The token is missing or wrong', cause: 'This request carried no valid token.', remedy: 'Open the address that "warpdeck serve" printed.', retry: 'no' },
  'usage.unknown': { severity: 'problem', title: 'The command was not understood', cause: '{detail}', remedy: '"warpdeck --help" lists the commands.', retry: 'no' },
} as const satisfies Wordings;
