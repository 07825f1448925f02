// `npm test`: sets up, then runs the gate; stages may be named as for `npm run check`.
import { setUp } from './set-up.mjs';

setUp();
await import('./check.mjs');
