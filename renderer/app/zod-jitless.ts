import { z } from 'zod';

// zod probes for `eval` when the first schema is used; the content security policy forbids that, and a probe is a
// report. So this module is the first that main.tsx imports.
z.config({ jitless: true });
