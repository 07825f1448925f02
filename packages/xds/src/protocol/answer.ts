import type { Rejection } from './message.ts';
import { GONE, type Held, type Odd, type OddNames } from './odd-names.ts';
import { heldAt, type InFlight, isWanted, ownOdd, rebased, type TypeState, visible } from './type-state.ts';

/** What became of a response. `silence`: no answer came in time, and nobody knows. */
export type Verdict =
  | { readonly kind: 'acked' }
  | { readonly kind: 'nacked'; readonly rejections: readonly Rejection[] | undefined }
  | { readonly kind: 'silence' };

/** What the client holds after its answer to the response in flight. */
export function settle(type: TypeState, inFlight: InFlight, answer: Verdict): TypeState {
  const { response, target, complete, heldBack } = inFlight;
  const mentioned = [...response.resources.map(({ name }) => name), ...response.removed];
  const isVague = answer.kind === 'nacked' && answer.rejections === undefined;
  // What was bad may be what the client has dropped since: then the rest deserves another try.
  const verdict: Verdict = isVague && !mentioned.every((name) => isWanted(type, name)) ? { kind: 'silence' } : answer;
  const settled: TypeState = { ...(complete ? rebased(type, target) : type), inFlight: undefined };
  // Most answers: everything is as the set says, for every stream the same.
  const plain = type.odd.size === 0 && type.odd.unlisted.size === 0 && heldBack.length === 0;
  if (verdict.kind === 'acked' && complete && plain && !substitutes(inFlight)) return settled;
  const odd = ownOdd(type);
  const { unlisted } = odd;
  const suspects = new Set(mentioned.flatMap((name) => type.odd.get(name)?.suspectOf ?? []));
  const bad = verdict.kind === 'nacked' && verdict.rejections && new Set(verdict.rejections.map(({ name }) => name));
  for (const resource of response.resources) {
    const { name, version } = resource;
    const before = heldAt(type, name);
    if (verdict.kind === 'acked') unlisted.delete(name);
    else unlisted.add(name);
    if (verdict.kind === 'acked' || (bad instanceof Set && !bad.has(name))) {
      put(odd, settled, name, { version, resource }, type.odd.get(name));
    } else odd.set(name, unaccepted(verdict, before, version, response.nonce, bad instanceof Set));
  }
  for (const name of response.removed) {
    unlisted.delete(name);
    if (verdict.kind === 'acked' || bad instanceof Set) odd.delete(name);
    else odd.set(name, unaccepted(verdict, heldAt(type, name), GONE, response.nonce, false));
  }
  for (const name of heldBack) if (!odd.has(name)) odd.set(name, { held: heldAt(type, name) });
  for (const suspectOf of suspects) {
    // Suspects of different responses that have become suspects of one.
    if (isVague) odd.merge(suspectOf, response.nonce);
    else odd.clear(suspectOf);
  }
  return { ...settled, odd };
}

/** An accepted resource: nothing to remember if it is what `base` says. */
function put(odd: OddNames, type: TypeState, name: string, held: Held, before: Odd | undefined): void {
  if (visible(type, type.base, name)?.version === held.version) odd.delete(name);
  // What was sent in place of a rejected version leaves that one rejected.
  else odd.set(name, { ...(before?.rejected !== undefined && { rejected: before.rejected }), held });
}

function unaccepted(verdict: Verdict, before: Held | undefined, version: string, nonce: string, told: boolean): Odd {
  if (verdict.kind === 'silence') return { held: version === GONE ? before : undefined };
  // C14: of a rejected resource that is named, the version before stays in force; else nothing is known of any.
  if (told) return { held: before, rejected: version };
  return { held: version === GONE ? before : undefined, rejected: version, suspectOf: nonce };
}

/** Whether something older than what there is was sent in its place. */
export function substitutes({ response, target }: InFlight): boolean {
  return response.resources.some(({ name, version }) => target.get(name)?.version !== version);
}
