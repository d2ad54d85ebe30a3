import { execute } from '../execute/execute.ts'
import { imageName } from '../file/model.ts'
import { pullOperations } from '../plan/images.ts'
import { planLines } from '../plan/plan.ts'
import { chosenServices } from './choice.ts'
import type { Context, Doing } from './context.ts'

/** What `pull` takes. */
export interface PullOptions {
  /** Only these. @default all */
  readonly services?: readonly string[] | undefined
  /** Instead of each service's own `pull_policy`; without one it is pulled in any case. */
  readonly policy?: 'always' | 'missing' | undefined
  /** Passes over what can be built. @default false */
  readonly ignoreBuildable?: boolean | undefined
  /** Pulls what can be pulled, and warns of the rest. @default false */
  readonly ignoreFailures?: boolean | undefined
  /** Also what these depend on. @default false */
  readonly dependencies?: boolean | undefined
}

/** Fetches the images of services, each once. */
export async function pull({ project, engine, reason }: Context, options: PullOptions, doing: Doing): Promise<void> {
  const startedAt = Date.now()
  const { emit, signal } = doing
  emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
  const model = project.model()
  const services = chosenServices(model, options)
  const images = await engine.images([...new Set(services.map((service) => imageName(model.name, service)))])
  const operations = pullOperations(
    services,
    { model, images, rules: { pull: options.policy }, now: new Date() },
    options,
  )
  emit({ type: 'plan', operations: planLines({ operations, warnings: [] }), found: 0 })
  await execute({ operations, warnings: [] }, { engine, project: model.name, emit, signal })
  emit({ type: 'done', changed: operations.length > 0, elapsedMs: Date.now() - startedAt })
}
