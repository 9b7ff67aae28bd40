import { randomBytes } from 'node:crypto';

/** A browser cannot set headers on a WebSocket: it buys a ticket with its token and shows that, once, within 10 s. */
export const TICKET_MS = 10_000;
const MAX_OPEN = 256;

export interface Tickets {
  issue(): string;
  /** True once for a ticket that was issued less than ten seconds ago. */
  redeem(ticket: string): boolean;
}

export function createTickets(now: () => number = () => performance.now()): Tickets {
  const open = new Map<string, number>();
  const forget = (): void => {
    for (const [ticket, at] of open) if (now() - at > TICKET_MS) open.delete(ticket);
  };
  return {
    issue() {
      forget();
      const oldest = open.keys().next();
      if (open.size >= MAX_OPEN && !oldest.done) open.delete(oldest.value);
      const ticket = randomBytes(24).toString('base64url');
      open.set(ticket, now());
      return ticket;
    },
    redeem(ticket) {
      forget();
      return open.delete(ticket);
    },
  };
}
