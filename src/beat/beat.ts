import type { Celery } from '../app/app.ts'
import type { Entry } from '../app/periodic.ts'
import { needsCleanUp } from '../backend/open.ts'
import { call } from '../canvas/canvas.ts'
import { sleep } from '../clock.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { type Logger, withFields } from '../log.ts'
import { persist, type RetryPolicy } from '../persist.ts'
import { crontab } from '../schedule/crontab.ts'
import { humanizeSeconds } from '../schedule/humanize.ts'
import type { Service } from '../service.ts'
import { banner } from './banner.ts'
import { openStore } from './open.ts'
import type { ScheduleStore, Stored } from './store.ts'
import { type Slot, slotsOf, type Tick, tick } from './tick.ts'

export interface BeatOptions {
  /** Where the last runs are kept: `file`, `memory`, `redis`, the address of a Redis, or your own. @default the setting beatScheduler */
  readonly scheduler?: string | ScheduleStore | undefined
  /** The file of the last runs. @default the setting beatScheduleFilename */
  readonly schedule?: string | undefined
  /** Seconds after which every schedule is asked again. @default the setting beatMaxLoopInterval */
  readonly maxInterval?: number | undefined
  readonly log?: Logger
}

/** Celery's: 2, 4, 6 … seconds. */
const patience = { intervalStart: 2, intervalStep: 2, intervalMax: 30 }

/** A clock that was set, and a machine that slept, are noticed within this time. */
const longestNapMs = 10_000

/** What was not written down because of `beatSyncEvery` is, after this time. */
const syncAfterMs = 180_000

/**
 * Sends periodic tasks when they are due: Celery's beat.
 *
 * @example
 * const beat = new Beat(app)
 * await beat.start()
 * await beat.stop()
 */
export class Beat implements Service {
  /** Resolves when it has stopped; rejects when it had to. */
  readonly stopped: Promise<void>
  /** Seconds. */
  readonly maxInterval: number
  readonly #app: Celery
  readonly #log: Logger
  readonly #store: ScheduleStore
  readonly #stopping = new AbortController()
  readonly #hasStopped = Promise.withResolvers<void>()
  #running: Promise<void> | undefined
  #slots: readonly Slot[] = []
  /** Runs since the last ones were written down, and when that was. */
  #unsaved = { runs: 0, since: 0 }

  /** @throws {CeleryError} IMPROPERLY_CONFIGURED for a scheduler that is not known */
  constructor(app: Celery, options: BeatOptions = {}) {
    const { scheduler, schedule, maxInterval = app.conf.beatMaxLoopInterval, log = app.log } = options
    this.#app = app
    this.#log = withFields(log, { logger: 'celery.beat' })
    this.maxInterval = maxInterval || 300
    this.#store = typeof scheduler === 'object' ? scheduler : openStore(app, { scheduler, schedule, log: this.#log })
    this.stopped = this.#hasStopped.promise
    this.stopped.catch(() => {})
  }

  /** What Celery's beat says of itself when it starts; secrets are masked. */
  banner(log: { readonly file: string; readonly level: string }): string {
    const { brokerUrl } = this.#app.conf
    const { description: store } = this.#store
    return banner({ brokerUrl, app: this.#app.main, store, log, maxInterval: this.maxInterval })
  }

  /** Begins; whether it can send yet is another question, which the log answers. */
  async start(): Promise<void> {
    if (this.#running || this.#stopping.signal.aborted) return
    this.#log.info('beat: Starting...')
    this.#log.debug(`beat: Ticking with max interval->${humanizeSeconds(this.maxInterval)}`)
    const running = this.#app.signals.beatInit
      .send(this.#app.main, { instance: this }, this.#log)
      .then(() => this.#run())
      .catch((error) => {
        if (!this.#stopping.signal.aborted) throw error
      })
      .finally(() => this.#store.close())
    this.#running = running
    running.then(this.#hasStopped.resolve, this.#hasStopped.reject)
  }

  /** Sends nothing more, waits for what is on its way, and writes the last runs down. */
  async stop(): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      this.#log.info('beat: Shutting down...')
      this.#stopping.abort(new Error('beat is stopping'))
    }
    if (!this.#running) this.#hasStopped.resolve()
    await this.#running?.catch(() => {})
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    await this.#connect(() => this.#app.transport(), this.#app.conf.brokerConnectionMaxRetries)
    for (let hasWaited = false; ; hasWaited = true) {
      let holder: string | undefined
      const onWait = (name: string) => {
        holder = name
        this.#log.warning(`beat: ${name} sends by ${this.#store.description}; waiting to take over`)
      }
      await this.#connect(() => this.#store.acquire(signal, onWait), null)
      if (holder !== undefined || hasWaited) this.#log.warning('beat: took over; sending from now on')
      await this.#serve()
      this.#log.warning(`beat: lost the lock in ${this.#store.description}; nothing is sent without it`)
    }
  }

  /** Connects, and while that fails waits longer each time, saying so as Celery does. */
  #connect<T>(connect: () => Promise<T>, maxRetries: number | null): Promise<T> {
    const policy: RetryPolicy = { maxRetries, ...patience }
    const onFailure = (error: Error, _: number, pause: number) => {
      this.#log.error(`beat: Connection error: ${error.message}. Trying again in ${pause.toFixed(1)} seconds...`)
    }
    return persist(connect, this.#app.clock, policy, { signal: this.#stopping.signal, onFailure })
  }

  /** Sends what is due, until it is for another to do so. */
  async #serve(): Promise<void> {
    const { clock } = this.#app
    const { signal } = this.#stopping
    this.#slots = await this.#connect(() => this.#load(), null)
    await this.#save()
    let isFirst = true
    try {
      for (;;) {
        signal.throwIfAborted()
        const next = tick(this.#slots, this.#moment(), this.maxInterval * 1000)
        const isMine = next.due.length === 0 || (await this.#isMine())
        if (isMine === 'unknown') continue
        if (!isMine) return
        if (isFirst) this.#tellMissed(next)
        isFirst = false
        this.#slots = next.slots
        await this.#carryOut(next)
        const napMs = Math.min(next.waitMs, longestNapMs)
        this.#log.debug(`beat: Waking up in ${humanizeSeconds(napMs / 1000)}.`)
        await sleep(clock, napMs, signal)
      }
    } finally {
      if (this.#unsaved.runs > 0) await this.#save()
    }
  }

  async #load(): Promise<Slot[]> {
    const entries = entriesOf(this.#app)
    if (entries.length === 0) this.#log.warning('beat: nothing to send: give beatSchedule, or app.addPeriodicTask(…)')
    const stored = await this.#store.load()
    const reset = stored && this.#reset(stored)
    if (reset) this.#log.warning(`Reset: ${reset}; the last runs are forgotten`)
    // What this beat knows itself, should the store have lost its memory.
    const known = Object.fromEntries(this.#slots.map((slot) => [slot.entry.name, slot]))
    return slotsOf(entries, { ...known, ...(!reset && stored?.entries) }, this.#app.clock.now())
  }

  async #isMine(): Promise<boolean | 'unknown'> {
    try {
      return await this.#store.isMine()
    } catch (error) {
      this.#log.error(`beat: Connection error: ${messageOf(error)}. Trying again in 2.0 seconds...`)
      await sleep(this.#app.clock, 2_000, this.#stopping.signal)
      return 'unknown'
    }
  }

  /** Why what was kept means something else now, if it does. */
  #reset({ timezone, enableUtc }: Stored): string | undefined {
    const { conf } = this.#app
    const say = (on: boolean) => (on ? 'enabled' : 'disabled')
    if (timezone !== conf.timezone) return `Timezone changed from ${timezone} to ${conf.timezone}`
    if (enableUtc !== conf.enableUtc) return `UTC changed from ${say(enableUtc)} to ${say(conf.enableUtc)}`
    return undefined
  }

  #moment() {
    const { clock, conf, timezone } = this.#app
    return { now: new Date(clock.now()), timezone, cronStartingDeadline: conf.beatCronStartingDeadline }
  }

  #tellMissed({ due, tooLate }: Tick): void {
    const say = ({ entry, lastRunAt }: Slot) => `${entry.name} (last run: ${new Date(lastRunAt).toISOString()})`
    if (due.length > 0) {
      this.#log.info(`beat: fell due while nobody was there to send, and is sent once: ${due.map(say).join(', ')}`)
    }
    if (tooLate.length > 0) {
      const deadline = `beatCronStartingDeadline: ${this.#app.conf.beatCronStartingDeadline} s`
      this.#log.warning(`beat: missed, and let go (${deadline}): ${tooLate.map(say).join(', ')}`)
    }
  }

  async #carryOut({ due, faults }: Tick): Promise<void> {
    for (const { entry, error } of faults) {
      this.#log.error(`beat: the schedule of ${entry.name} cannot be asked: ${messageOf(error)}`, { error })
    }
    await Promise.all(due.map(({ entry }) => this.#send(entry)))
    this.#unsaved.runs += due.length
    if (this.#isTimeToSave()) await this.#save()
  }

  /** As in Celery, a run that cannot be sent is over: the next one comes when it is due. */
  async #send({ name, task, args, kwargs, options, workflow }: Entry): Promise<void> {
    this.#log.info(`Scheduler: Sending due task ${name} (${task})`)
    try {
      const canvas = workflow ?? call(task, await evaluated(args), { kwargs: await evaluatedByName(kwargs), options })
      const pending = this.#app.send(canvas)
      await pending
      this.#log.debug(`${task} sent. id->${pending.id}`)
    } catch (error) {
      this.#log.error(`Message Error: Couldn't apply scheduled task ${name}: ${messageOf(error)}`, { error })
    }
  }

  #isTimeToSave(): boolean {
    const { runs, since } = this.#unsaved
    if (runs === 0) return false
    return runs >= this.#app.conf.beatSyncEvery || Math.abs(this.#app.clock.now() - since) >= syncAfterMs
  }

  async #save(): Promise<void> {
    this.#log.debug('beat: Synchronizing schedule...')
    const { timezone, enableUtc } = this.#app.conf
    const runs = this.#slots.map(({ entry, lastRunAt, totalRunCount }) => [entry.name, { lastRunAt, totalRunCount }])
    this.#unsaved = { runs: 0, since: this.#app.clock.now() }
    try {
      await this.#store.save({ timezone, enableUtc, entries: Object.fromEntries(runs) })
    } catch (error) {
      this.#log.error(`beat: the last runs could not be written down: ${messageOf(error)}`, { error })
    }
  }
}

/** What is sent: the app's, and, where results do not expire by themselves, Celery's own. */
function entriesOf(app: Celery): readonly Entry[] {
  const { resultExpires, resultBackend } = app.conf
  const own = app.periodicTasks
  const name = 'celery.backend_cleanup'
  if (resultExpires === 0 || !needsCleanUp(resultBackend) || own.some((entry) => entry.name === name)) return own
  const schedule = crontab({ minute: 0, hour: 4 })
  return [...own, { name, task: name, schedule, args: [], kwargs: {}, options: { expires: 12 * 3_600 } }]
}

async function evaluated(args: Entry['args']): Promise<readonly unknown[]> {
  const list = await evaluate(args)
  if (!Array.isArray(list)) throw new CeleryError('IMPROPERLY_CONFIGURED', 'the function for args gave no list')
  return Promise.all(list.map(evaluate))
}

async function evaluatedByName(kwargs: Entry['kwargs']): Promise<Record<string, unknown>> {
  const named = Object.entries((await evaluate(kwargs)) as object)
  return Object.fromEntries(await Promise.all(named.map(async ([key, value]) => [key, await evaluate(value)])))
}

const evaluate = (given: unknown): unknown => (typeof given === 'function' ? given() : given)
