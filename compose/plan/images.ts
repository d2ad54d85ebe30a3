import type { BuildSpec } from '../engine/build.ts'
import type { ImageState } from '../engine/engine.ts'
import { type BuildConfig, imageName, type Model, type Service } from '../file/model.ts'
import { nanoseconds } from '../file/units.ts'
import { imageLabels } from '../identity/labels.ts'
import type { Operation } from './plan.ts'

/** Where images come from, when the command line says otherwise than the file. */
export interface ImageRules {
  /** `--pull`: instead of each service's own `pull_policy`. */
  readonly pull?: 'always' | 'missing' | 'never' | 'build' | undefined
  /** `--build`, `--no-build`. @default 'missing' */
  readonly build?: 'always' | 'missing' | 'never' | undefined
  /** Laid over what the file says of every build. */
  readonly builds?: Pick<BuildConfig, 'no_cache' | 'pull' | 'args'> | undefined
}

/** Images as they are, and what decides what becomes of them. */
export interface ImageSituation {
  readonly model: Model
  readonly images: Readonly<Record<string, ImageState>>
  readonly rules: ImageRules
  readonly now: Date
}

/**
 * What is pulled or built so that these services have their images: each image once, whoever uses it, and services
 * that are built alike by one build under all their names.
 */
export function imageOperations(services: readonly Service[], situation: ImageSituation): readonly Operation[] {
  const wanted = services.flatMap((service) => {
    const step = stepFor(service, situation)
    return step ? [{ service, ...step, id: imageId(service, situation) }] : []
  })
  return Object.values(Object.groupBy(wanted, ({ id }) => id)).flatMap((group = []): Operation[] => {
    const first = group.find((step) => step.do === 'build') ?? group[0]
    if (!first) return []
    const users = [...new Set(group.map(({ service }) => service))]
    const images = [...new Set(group.map(({ service }) => imageName(situation.model.name, service)))]
    const common = { id: first.id, cause: first.cause, services: users }
    const { builder, otherwise = 'fail' } = first
    const build = builder && buildSpec(builder, images, situation)
    if (first.do === 'build' && builder && build) {
      return [{ ...common, do: 'build', name: images.join(', '), build, after: contextsOf(builder, situation) }]
    }
    const { platform } = first.service.config
    return [{ ...common, do: 'pull', name: images[0] ?? '', platform, otherwise, build, after: [] }]
  })
}

function buildSpec(builder: Service, images: readonly string[], { model, rules }: ImageSituation): BuildSpec {
  const { build = { context: model.directory }, platform } = builder.config
  const { no_cache, pull, args } = rules.builds ?? {}
  const config = {
    ...build,
    ...(no_cache && { no_cache }),
    ...(pull && { pull }),
    ...((build.args || args) && { args: { ...build.args, ...args } }),
    ...(build.additional_contexts && { additional_contexts: builtContexts(build.additional_contexts, model) }),
  }
  const secrets = (build.secrets ?? []).map(({ source, target = source }) => {
    const { file, content } = model.secrets[source] ?? {}
    return { id: target, file, content }
  })
  return { images, config, labels: imageLabels(model.name, builder.name), platform, secrets }
}

/** The image of another service is one by its name. */
function builtContexts(contexts: Readonly<Record<string, string>>, model: Model): Readonly<Record<string, string>> {
  const named = Object.entries(contexts).map(([key, context]) => {
    const other = model.services[/^service:(.+)$/.exec(context)?.[1] ?? '']
    return [key, other ? `docker-image://${imageName(model.name, other)}` : context]
  })
  return Object.fromEntries(named)
}

/** What `pull` fetches: each image once. Without a policy an image is fetched in any case: somebody asked for it. */
export function pullOperations(
  services: readonly Service[],
  situation: ImageSituation,
  { ignoreBuildable = false, ignoreFailures = false }: PullChoice = {},
): readonly Operation[] {
  const wanted = services.filter((service) => {
    const isPassedOver = service.config.image === undefined || (ignoreBuildable && builderOf(service, situation))
    return !isPassedOver && isToBePulled(service, situation)
  })
  const byImage = Object.entries(Object.groupBy(wanted, ({ config }) => config.image ?? ''))
  return byImage.map(([image, users = []]) => {
    const [first] = users
    const mayStay = ignoreFailures || users.some((service) => builderOf(service, situation))
    return {
      id: `image:${image}`,
      do: 'pull',
      name: image,
      platform: first?.config.platform,
      services: users,
      otherwise: mayStay ? 'keep' : 'fail',
      build: undefined,
      cause: situation.images[image] ? 'asked for' : missing,
      after: [],
    }
  })
}

interface PullChoice {
  readonly ignoreBuildable?: boolean | undefined
  readonly ignoreFailures?: boolean | undefined
}

function isToBePulled({ config }: Service, { images, rules }: ImageSituation): boolean {
  const { image = '' } = config
  const policy = rules.pull ?? config.pull_policy ?? 'always'
  if (policy === 'never' || policy === 'build') return false
  // The tag `latest` is made to move.
  const isLatest = /(^|\/)[^:@/]+(:latest)?$/.test(image)
  return policy !== 'missing' || isLatest || !images[image]
}

/** What an operation that gives a service its image is called. */
export function imageId(service: Service, situation: Pick<ImageSituation, 'model'>): string {
  const builder = builderOf(service, situation)
  const image = imageName(situation.model.name, service)
  if (!builder || builder.config.image !== undefined) return `image:${image}`
  return `image:${JSON.stringify([builder.config.build, builder.config.platform])}`
}

/** The service whose `build` makes this service's image: itself, or another one with the same `image`. */
export function builderOf(service: Service, { model }: Pick<ImageSituation, 'model'>): Service | undefined {
  if (service.config.build) return service
  const image = service.config.image
  return Object.values(model.services).find(({ config }) => config.build && config.image === image)
}

interface Step {
  readonly do: 'pull' | 'build'
  readonly cause: string
  readonly builder: Service | undefined
  /** When it cannot be pulled. */
  readonly otherwise?: 'fail' | 'keep' | 'build'
}

function stepFor(service: Service, situation: ImageSituation): Step | undefined {
  const { rules, images, model, now } = situation
  const builder = rules.build === 'never' ? undefined : builderOf(service, situation)
  const there = images[imageName(model.name, service)]
  const policy = rules.pull ?? service.config.pull_policy ?? 'missing'
  const build = (cause: string): Step => ({ do: 'build', cause, builder })
  const pull = (cause: string): Step | undefined => {
    if (service.config.image === undefined) return undefined
    if (!builder) return { do: 'pull', cause, builder }
    return there
      ? { do: 'pull', cause: `${cause}; kept if it cannot be pulled`, builder, otherwise: 'keep' }
      : { do: 'pull', cause: `${cause}; built if it cannot be pulled`, builder, otherwise: 'build' }
  }
  if (builder && rules.build === 'always') return build('asked for')
  if (builder && policy === 'build') return build(rules.pull ? 'asked for' : 'pull_policy: build')
  if (!there) {
    if (policy !== 'never' && policy !== 'build' && service.config.image !== undefined) return pull(missing)
    return builder && build(missing)
  }
  if (policy === 'always') return pull(rules.pull ? 'asked for' : 'pull_policy: always')
  return isStale(policy, there, now) ? pull(`pull_policy: ${policy}`) : undefined
}

const missing = 'not in the local store'

const dayMs = 24 * 60 * 60 * 1000

/** `daily`, `weekly`, `every_12h`: whether the image got its name so long ago. */
function isStale(policy: string, { tagged }: ImageState, now: Date): boolean {
  const everyMs = intervalMs(policy)
  if (everyMs === undefined) return false
  return tagged === undefined || now.getTime() > Date.parse(tagged) + everyMs
}

function intervalMs(policy: string): number | undefined {
  if (policy === 'daily') return dayMs
  if (policy === 'weekly') return 7 * dayMs
  const ns = nanoseconds(/^every_(.+)$/.exec(policy)?.[1])
  return ns === undefined ? undefined : ns / 1e6
}

/** `additional_contexts: { base: service:other }`: the other one is built before. */
function contextsOf(builder: Service, { model }: ImageSituation): readonly string[] {
  return Object.values(builder.config.build?.additional_contexts ?? {}).flatMap((context) => {
    const other = model.services[/^service:(.+)$/.exec(context)?.[1] ?? '']
    return other ? [imageId(other, { model })] : []
  })
}
