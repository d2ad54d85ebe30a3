import type { Environment } from '../../file/discover.ts'
import type { ImageState, PullProgress } from '../engine.ts'
import { readJsonLines } from '../ndjson.ts'
import { type Api, call } from './api.ts'
import { credentialsFor, credentialsHeader } from './credentials.ts'
import { type PullMessage, pullProgress, pullStarted } from './pull-progress.ts'
import { nameAndTag } from './reference.ts'
import { pullRefused } from './refusals.ts'

/** What is told of an image, as far as it is read here. */
interface ImageInspect {
  readonly Id: string
  readonly Created?: string
  readonly Size?: number
  readonly Os?: string
  readonly Architecture?: string
  readonly Variant?: string
  readonly Metadata?: { readonly LastTagTime?: string }
  readonly Manifests?: readonly {
    readonly ID: string
    readonly Kind?: string
    readonly Available?: boolean
    readonly ImageData?: { readonly Platform?: { readonly os?: string; readonly architecture?: string } }
  }[]
}

/** Docker 28: an image of several manifests tells each. */
const manifestsVersion = 1048

/** The images that are in the local store, by the reference asked for. */
export async function imageStates(
  api: Api,
  references: readonly string[],
): Promise<Readonly<Record<string, ImageState>>> {
  const query = api.version >= manifestsVersion ? { manifests: true } : {}
  const found = await Promise.all(
    references.map(async (reference): Promise<[string, ImageState][]> => {
      const image = api.docker.getImage(reference)
      const inspect = () => image.inspect(query as object) as Promise<unknown>
      // 400: no such name can be; whoever pulls it is told.
      const info = (await call(`look at image ${reference}`, inspect, [404, 400])) as ImageInspect | undefined
      return info ? [[reference, imageState(info)]] : []
    }),
  )
  return Object.fromEntries(found.flat())
}

/** What an image is known by. A never-tagged one has year 1 as the time of its tag. */
export function imageState(info: ImageInspect): ImageState {
  const { Id, Created, Size = 0, Os = '', Architecture = '', Variant } = info
  const tagged = info.Metadata?.LastTagTime
  return {
    id: manifestOf(info) ?? Id,
    index: Id,
    platform: [Os, Architecture, Variant].filter(Boolean).join('/'),
    size: Size,
    ...(Created && { created: Created }),
    ...(tagged && !tagged.startsWith('0001-') && { tagged }),
  }
}

/** In containerd's store an image is an index; what runs is one of its manifests, and the one that Compose writes. */
function manifestOf({ Manifests = [], Os, Architecture }: ImageInspect): string | undefined {
  const available = Manifests.filter(({ Kind, Available }) => Kind === 'image' && Available)
  const isOurs = ({ ImageData }: (typeof available)[number]) =>
    ImageData?.Platform?.os === Os && ImageData?.Platform?.architecture === Architecture
  return (available.find(isOurs) ?? (available.length === 1 ? available[0] : undefined))?.ID
}

/**
 * Fetches an image with what `docker login` left for its registry.
 *
 * @throws {StackError} IMAGE_PULL_FAILED
 */
export async function* pullImage(
  api: Api,
  reference: string,
  platform: string | undefined,
  env: Environment,
  signal: AbortSignal,
): AsyncGenerator<PullProgress, void, undefined> {
  try {
    const login = await credentialsFor(reference, env)
    const { name, tag } = nameAndTag(reference)
    const query = { fromImage: name, tag, ...(platform && { platform }) }
    const headers = login ? { 'X-Registry-Auth': credentialsHeader(login) } : {}
    const stream = await api.post('/images/create?', query, { body: undefined, headers, signal })
    let progress = pullStarted
    for await (const message of readJsonLines(stream)) {
      const { error } = message as { error?: string }
      if (error) throw new Error(error)
      const next = pullProgress(progress, message as PullMessage)
      if (next !== progress) yield next
      progress = next
    }
  } catch (thrown) {
    throw signal.aborted ? signal.reason : pullRefused(reference, thrown)
  }
}
