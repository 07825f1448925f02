import type { Part } from '../step.ts';
import { APPLY } from './apply.ts';
import { CHANGE } from './change.ts';
import { DISCOVERY } from './discovery.ts';
import { FAULTS } from './faults.ts';
import { LIFECYCLE } from './lifecycle.ts';
import { READ } from './read.ts';
import { SECRETS } from './secrets.ts';
import { SERVER_SIDE } from './server-side.ts';

/** The whole session. */
export const SESSION: readonly Part[] = [APPLY, SERVER_SIDE, READ, CHANGE, DISCOVERY, FAULTS, LIFECYCLE, SECRETS];
