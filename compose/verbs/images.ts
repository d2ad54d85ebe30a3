import type { ContainerState, Engine, ImageState } from '../engine/engine.ts'
import { composeLabels, serviceOf } from '../identity/labels.ts'

/** The image that a container was made of. */
export interface ContainerImage {
  readonly container: string
  readonly service: string
  /** Empty when it has no name any more. */
  readonly repository: string
  readonly tag: string
  readonly id: string
  /** `linux/amd64` */
  readonly platform: string
  /** Bytes. */
  readonly size: number
  /** RFC 3339; undefined when the image is gone. */
  readonly created: string | undefined
}

/** The images of a project's containers, by container. */
export async function imagesOf(engine: Engine, project: string): Promise<readonly ContainerImage[]> {
  const containers = await engine.containers(project)
  // By id: the name may belong to a newer image by now.
  const references = containers.map(idOf)
  const images = await engine.images([...new Set(references)])
  return containers
    .map((container) => containerImage(container, images[idOf(container)]))
    .sort((a, b) => (a.container < b.container ? -1 : 1))
}

function idOf({ labels, image }: ContainerState): string {
  return labels[composeLabels.image] || image
}

function containerImage(container: ContainerState, state: ImageState | undefined): ContainerImage {
  const { name, labels, image } = container
  const [, repository = '', tag = ''] = /^(?:sha256:.*|(.*?)(?::([^:/@]+))?(?:@.*)?)$/.exec(image) ?? []
  const { platform = '', size = 0, created, id = idOf(container) } = state ?? {}
  return {
    container: name,
    service: serviceOf(labels),
    repository,
    tag: tag || (repository ? 'latest' : ''),
    id,
    platform,
    size,
    created,
  }
}
