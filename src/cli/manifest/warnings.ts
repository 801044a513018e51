import { applicationWarnings } from '../../engine/application/warnings.ts';
import { locate, type Manifest } from './check.ts';

/** `⚠ app.yaml:18:5: spec.gates: …`: what a file that is right probably does not mean. */
export function warningLines({ document, kind, object }: Manifest): string[] {
  if (kind.kind !== 'Application') return [];
  return applicationWarnings(object.spec, object.metadata.name).map((detail) => {
    const { file, position, path, message } = locate(document, detail);
    return `⚠ ${file}:${position.line}:${position.column}: ${path}: ${message}`;
  });
}
