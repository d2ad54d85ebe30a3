import type { ChosenPort, Engine } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { Model, Service } from '../file/model.ts'
import type { Plan } from '../plan/plan.ts'
import { holdingProcess } from './port-holder.ts'
import {
  type Choice,
  canListen,
  choosePorts,
  freePort,
  holdingContainer,
  type PortRules,
  readPorts,
  rememberedPorts,
  type Wish,
  wishesOf,
  writePorts,
} from './ports.ts'

/** The host ports of the containers a plan makes, chosen before the first is made and remembered in the project. */
export class PortClaims {
  readonly #engine: Engine
  readonly #model: Model
  readonly #strict: boolean
  readonly #emit: Emit
  readonly #refused = new Set<number>()
  #choices: readonly Choice[] = []

  constructor(engine: Engine, model: Model, options: { strict: boolean; emit: Emit }) {
    this.#engine = engine
    this.#model = model
    this.#strict = options.strict
    this.#emit = options.emit
  }

  /** @throws {StackError} PORT_BUSY when a wanted port is taken and no other may be. */
  async claim(plan: Plan): Promise<void> {
    const making = plan.operations.filter((operation) => operation.do === 'create' || operation.do === 'recreate')
    const going = plan.operations.flatMap((operation) =>
      operation.do === 'recreate' || operation.do === 'stop' || operation.do === 'remove' ? operation.name : [],
    )
    await this.claimFor(
      making.flatMap(({ service, name }) => wishesOf(service, name)),
      going,
    )
  }

  /** The same for what is no part of a plan; `going` are containers whose ports become free. */
  async claimFor(wishes: readonly Wish[], going: readonly string[] = []): Promise<void> {
    if (wishes.length > 0) await this.#choose(wishes, going)
  }

  portsOf(container: string): readonly ChosenPort[] {
    return this.#choices.filter(({ wish }) => wish.container === container)
  }

  /** The engine says after all that a port is taken: chooses others for this container. */
  async renew(service: Service, container: string): Promise<void> {
    for (const { port } of this.portsOf(container)) if (port !== undefined) this.#refused.add(port)
    await this.#choose(wishesOf(service, container), [container])
  }

  get #isHere(): boolean {
    return this.#engine.host === '127.0.0.1'
  }

  async #choose(wishes: readonly Wish[], going: readonly string[]): Promise<void> {
    const { directory, name: project } = this.#model
    const published = await this.#engine.publishedPorts()
    const isLeaving = (held: (typeof published)[number]) => held.project === project && going.includes(held.container)
    // Who insists on the ports of the file does not want those of earlier runs.
    const known = readPorts(directory)
    const sticky = this.#strict ? {} : known
    const rules: PortRules = {
      held: published.filter((held) => !isLeaving(held)),
      leaving: published.filter(isLeaving),
      sticky,
      // On another machine only the engine can tell.
      isFree: this.#isHere ? canListen : async () => true,
      anyFree: async () => (this.#isHere ? freePort() : undefined),
      refused: this.#refused,
    }
    const others = this.#choices.filter(({ wish }) => !wishes.some(({ container }) => container === wish.container))
    const choices = await choosePorts(wishes, rules)
    for (const choice of choices)
      if (choice.movedFrom !== undefined)
        await this.#report(choice, choice.movedFrom, [...rules.held, ...given(choices)])
    this.#choices = [...others, ...choices]
    const remembered = rememberedPorts(known, choices)
    if (JSON.stringify(remembered) !== JSON.stringify(known)) writePorts(directory, remembered)
  }

  async #report({ wish, host, port = 0, ...choice }: Choice, wanted: number, held: readonly Held[]): Promise<void> {
    const container = holdingContainer(wanted, { host, port: wanted, ...choice }, held)
    // What listens on this machine is nothing to an engine on another.
    const process = () => (this.#isHere ? holdingProcess(wanted, choice.protocol) : undefined)
    const holder = container ? `container ${container}` : await process()
    if (this.#strict) {
      const message = `port ${wanted} of ${wish.container} is taken${holder ? ` by ${holder}` : ''}`
      throw new StackError('PORT_BUSY', message)
    }
    const { service, container: name } = wish
    this.#emit({ type: 'port', service, container: name, address: host, wanted, chosen: port, holder })
  }
}

type Held = ChosenPort & { readonly container: string }

/** Ports that containers of this very plan get. */
function given(choices: readonly Choice[]): readonly Held[] {
  return choices.map((choice) => ({ ...choice, container: choice.wish.container }))
}
