import type { ClusterEffect } from './cluster-effect.ts';
import type { Written } from './observed-store.ts';
import type { Operation } from './scenario.ts';

/** Words of a trace. */
export function writtenWords({ kind, object, before, deleted }: Written): string {
  const phase = (object.status as { phase?: string } | undefined)?.phase;
  const verb = deleted ? 'deletes' : before === undefined ? 'creates' : 'updates';
  return `${verb} ${kind} ${object.metadata.name}${phase === undefined ? '' : ` ${phase}`} @${object.metadata.resourceVersion}`;
}

export function effectWords(effect: ClusterEffect): string {
  switch (effect.type) {
    case 'wish':
      return `${effect.wish.key.version} ${effect.before} → ${effect.wish.replicas}`;
    case 'remove':
    case 'restart':
      return effect.key.version;
    case 'traffic':
      return JSON.stringify(effect.wish.weights);
    case 'removeService':
      return effect.service.workload;
    case 'refused':
      return effect.reason;
  }
}

export function operationWords(operation: Operation): string {
  const { application, environment } = operation;
  const what =
    operation.type === 'verb' || operation.type === 'applicationVerb' ? operation.verb : operation.type;
  return `${what} ${application}/${environment}`;
}
