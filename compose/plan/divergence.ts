import { imageName, type Model, type Service } from '../file/model.ts'
import { acceptedHashes, changedParts, partDigests } from '../identity/hash.ts'
import { composeLabels, partsOf } from '../identity/labels.ts'
import type { Observed, ObservedContainer } from './observe.ts'

/** What the judgement of a container rests on besides its own service. */
export interface Circumstances {
  readonly model: Model
  readonly observed: Observed
  /** Services with a container that is made anew, of those decided so far. */
  readonly remade: ReadonlySet<string>
}

/** Why a container must be made anew; undefined when it matches its service. */
export function divergence(old: ObservedContainer, service: Service, around: Circumstances): string | undefined {
  for (const judge of judges) {
    const cause = judge(old, service, around)
    if (cause !== undefined) return cause
  }
  return undefined
}

type Judge = (old: ObservedContainer, service: Service, around: Circumstances) => string | undefined

const judges: readonly Judge[] = [configuration, image, sharedNetwork, network, volume]

function configuration(old: ObservedContainer, { config }: Service, { observed }: Circumstances): string | undefined {
  // What others share is that of a service's first container.
  const owner = (name: string) => observed.containers.find(({ service }) => service === name)?.id
  if (acceptedHashes(config, owner).has(old.labels[composeLabels.hash] ?? '')) return undefined
  const before = partsOf(old.labels)
  const changes = Object.keys(before).length > 0 ? changedParts(before, partDigests(config)) : undefined
  return changes ?? 'its configuration changed'
}

function image(old: ObservedContainer, service: Service, { model, observed }: Circumstances): string | undefined {
  const name = imageName(model.name, service)
  const current = observed.images[name]
  const label = old.labels[composeLabels.image]
  const isSame = !current || label === current.id || label === current.index
  return isSame ? undefined : `image ${name} was updated`
}

function sharedNetwork(_: ObservedContainer, { config }: Service, { remade }: Circumstances): string | undefined {
  const owner = /^service:(.+)$/.exec(config.network_mode ?? '')?.[1]
  return owner && remade.has(owner) ? `it shares the network of ${owner}, which is made anew` : undefined
}

/** A container that stands still remembers its networks by id: when one was removed, it cannot start again. */
function network(old: ObservedContainer, { config }: Service, { model, observed }: Circumstances): string | undefined {
  for (const key of Object.keys(config.networks ?? {})) {
    const name = model.networks[key]?.name
    const attached = old.networks.find((candidate) => candidate.name === name)
    const current = observed.networks.find((candidate) => candidate.name === name)
    if (attached ? attached.id !== '' && attached.id !== current?.id : old.state === 'running') {
      return attached ? `the network ${key} was made anew` : `it is not on the network ${key}`
    }
  }
  return undefined
}

function volume(old: ObservedContainer, { config }: Service, { model }: Circumstances): string | undefined {
  const missing = config.volumes?.find(({ type, source }) => {
    const name = type === 'volume' && source ? model.volumes[source]?.name : undefined
    return name !== undefined && !old.volumes.includes(name)
  })
  return missing && `volume ${missing.source} is not mounted`
}
