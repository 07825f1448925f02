// `npm start`: sets up, then becomes `pulse up`, in one process, so that signals reach it.
import { setUp } from './set-up.mjs';

setUp();
process.argv.splice(2, 0, 'up');
await import('../services/pulse/dist/main.js');
