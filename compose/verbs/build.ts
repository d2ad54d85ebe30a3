import { execute } from '../execute/execute.ts'
import { imageOperations } from '../plan/images.ts'
import { planLines } from '../plan/plan.ts'
import { chosenServices } from './choice.ts'
import type { Context, Doing } from './context.ts'

/** What `build` takes. */
export interface BuildOptions {
  /** Only these. @default every service that has a `build` */
  readonly services?: readonly string[] | undefined
  /** Carries out every step, whatever the cache has. @default false */
  readonly noCache?: boolean | undefined
  /** Looks for newer base images. @default false */
  readonly pull?: boolean | undefined
  /** `--build-arg`: over those of the file. */
  readonly args?: Readonly<Record<string, string>> | undefined
  /** Also what these depend on. @default false */
  readonly dependencies?: boolean | undefined
}

/** Builds the images of services, all at once; those that are built alike are built once. */
export async function build({ project, engine, reason }: Context, options: BuildOptions, doing: Doing): Promise<void> {
  const startedAt = Date.now()
  const { emit, signal } = doing
  emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
  const model = project.model()
  const services = chosenServices(model, options).filter(({ config }) => config.build)
  if (services.length === 0) emit({ type: 'warning', message: 'none of the services has a `build`' })
  const builds = { no_cache: options.noCache ?? false, pull: options.pull ?? false, args: options.args ?? {} }
  const rules = { build: 'always', builds } as const
  const operations = imageOperations(services, { model, images: {}, rules, now: new Date() })
  emit({ type: 'plan', operations: planLines({ operations, warnings: [] }), found: 0 })
  await execute({ operations, warnings: [] }, { engine, project: model.name, emit, signal })
  emit({ type: 'done', changed: operations.length > 0, elapsedMs: Date.now() - startedAt })
}
