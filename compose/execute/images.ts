import type { BuildSpec } from '../engine/build.ts'
import { StackError } from '../errors.ts'
import type { Job, Of } from './job.ts'

/** Fetches an image; when it cannot be fetched, what the plan says instead. */
export async function pullOrElse(operation: Of<'pull'>, job: Job): Promise<void> {
  try {
    await pull(operation, job)
  } catch (thrown) {
    if (operation.otherwise === 'fail' || !(thrown instanceof StackError)) throw thrown
    job.site.emit({ type: 'warning', message: thrown.message })
    if (operation.otherwise === 'build' && operation.build) return build(operation, operation.build, job)
    job.image(operation, 'kept', 'what is there will do')
  }
}

async function pull(operation: Of<'pull'>, job: Job): Promise<void> {
  const { name: image, platform } = operation
  const report = (fraction: number) => job.image(operation, 'pulling', `${Math.floor(fraction * 100)}%`, fraction)
  let shown = 0
  report(shown)
  for await (const progress of job.site.engine.pull(image, platform, job.site.signal)) {
    job.pulling(image, progress)
    if (progress.fraction === shown) continue
    shown = progress.fraction
    report(shown)
  }
  job.image(operation, 'pulled')
}

/** Makes an image, and tells how far it is. */
export async function build(operation: Of<'pull' | 'build'>, spec: BuildSpec, job: Job): Promise<void> {
  const [image = ''] = spec.images
  job.image(operation, 'building')
  for await (const progress of job.site.engine.build(spec, job.site.signal)) {
    if (progress.kind === 'output') {
      job.site.emit({ type: 'output', image, text: progress.text })
    } else if (progress.kind === 'context') {
      const { sent, bytes } = progress
      job.image(operation, 'building', `sending ${inMegabytes(sent)} of ${inMegabytes(bytes)}`)
    } else {
      const { step, of, instruction } = progress
      job.image(operation, 'building', `${step}/${of} ${instruction}`, (step - 1) / of)
    }
  }
  job.image(operation, 'built')
}

const inMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
