const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export interface OwnAnswer {
  readonly status: number;
  /** One line for a person: what happened and, where there is something, what to do. */
  readonly text: string;
}

/** A whole answer by the router itself. It names itself, so that nobody takes it for the application's. */
export function ownAnswer(answer: OwnAnswer, options: { close: boolean; head: boolean }): string {
  const body = `slipway: ${answer.text}\n`;
  return (
    `HTTP/1.1 ${answer.status} ${REASONS[answer.status] ?? 'Error'}\r\n` +
    'content-type: text/plain; charset=utf-8\r\n' +
    'server: slipway\r\n' +
    'cache-control: no-store\r\n' +
    `content-length: ${Buffer.byteLength(body)}\r\n` +
    `${options.close ? 'connection: close\r\n' : ''}\r\n${options.head ? '' : body}`
  );
}
