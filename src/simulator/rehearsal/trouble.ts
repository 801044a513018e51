export type TroubleKind =
  | 'requestsCut'
  | 'servesLate'
  | 'requestsFailed'
  | 'gateNeverPasses'
  | 'cannotSucceed'
  | 'wayBackCold'
  | 'floor'
  | 'stuck'
  | 'promise';

/** What nobody can mend in a file. */
export const OWN_FAULT = 'This is a fault of Slipway: please report it with the file and the seed.';

/** A promise that one run broke. What is the same in many runs has the same kind and place. */
export interface Trouble {
  readonly kind: TroubleKind;
  /** Where it lies: a field of the file, a gate, a rule. */
  readonly place: string;
  readonly message: string;
  /** What mends it. */
  readonly next: string;
  readonly atMs: number;
  /** How much of it: requests, ms. */
  readonly count: number;
}
