import { parentPort } from 'node:worker_threads';
import { type ExpressionInput, evaluateExpression } from './evaluate-expression.ts';

/** The thread behind `workerExpressions`: one message in, one out. */
interface Question {
  readonly id: number;
  readonly expression: string;
  readonly input: ExpressionInput;
}

parentPort?.on('message', ({ id, expression, input }: Question) => {
  parentPort?.postMessage({ id, result: evaluateExpression(expression, input) });
});
parentPort?.postMessage({ ready: true });
