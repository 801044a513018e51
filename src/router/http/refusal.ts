/** Why the strict parser refuses a message; the key under which RouterStats.malformed counts it. */
export type RefusalReason =
  | 'badLineEnd'
  | 'badMethod'
  | 'badTarget'
  | 'badVersion'
  | 'unsupportedVersion'
  | 'unsupportedMethod'
  | 'badStatusLine'
  | 'obsFold'
  | 'badFieldName'
  | 'badFieldValue'
  | 'noHost'
  | 'repeatedHost'
  | 'badHost'
  | 'badLength'
  | 'repeatedLength'
  | 'bothLengths'
  | 'badTransferCoding'
  | 'unknownTransferCoding'
  | 'badConnection'
  | 'headTooLarge'
  | 'tooManyFields'
  | 'badChunk'
  | 'badTrailer'
  | 'unexpectedUpgrade'
  | 'headTimeout'
  | 'bodyTimeout'
  | 'tooManyConnections';

/** A message that is not forwarded. `status` is what the client is told before its connection closes. */
export class Refusal {
  readonly reason: RefusalReason;
  readonly status: 400 | 408 | 431 | 501 | 505;

  constructor(reason: RefusalReason, status: Refusal['status'] = 400) {
    this.reason = reason;
    this.status = status;
  }
}

/** What the reason means, for the text of the answer. */
export const REFUSAL_TEXT: Readonly<Record<RefusalReason, string>> = {
  badLineEnd: 'a line does not end with CR LF',
  badMethod: 'the method is not a token',
  badTarget: 'the request target has a character or a form that is not allowed',
  badVersion: 'the request line does not end with an HTTP version',
  unsupportedVersion: 'only HTTP/1.1 and HTTP/1.0 are spoken here',
  unsupportedMethod: 'this method is not forwarded',
  badStatusLine: 'the status line is malformed',
  obsFold: 'a field line starts with white space (obsolete line folding)',
  badFieldName: 'a field name is not a token directly before its colon',
  badFieldValue: 'a field value has a control character',
  noHost: 'the Host field is missing',
  repeatedHost: 'there is more than one Host field',
  badHost: 'the Host field is not a host with an optional port, or differs from the request target',
  badLength: 'Content-Length is not one whole number',
  repeatedLength: 'there is more than one Content-Length field',
  bothLengths: 'there are both Content-Length and Transfer-Encoding',
  badTransferCoding: 'chunked is not the one and last transfer coding, or stands in an HTTP/1.0 message',
  unknownTransferCoding: 'only the transfer coding chunked is understood',
  badConnection: 'Connection names a field that frames or routes the message',
  headTooLarge: 'the head is larger than 32 KiB',
  tooManyFields: 'there are more than 128 fields',
  badChunk: 'the chunked framing of the body is malformed',
  badTrailer: 'a trailer field is malformed or not allowed there',
  unexpectedUpgrade: 'an upgrade was answered that nobody asked for',
  headTimeout: 'the head did not arrive in time',
  bodyTimeout: 'the body did not arrive in time',
  tooManyConnections: 'there are too many connections',
};
