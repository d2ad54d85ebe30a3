import { isObject } from '../../protocol/json.ts'
import { parseUrl } from '../../url.ts'
import { version } from '../../version.ts'
import type { Commands, PanelTarget } from './target.ts'

/** The worker as a whole. */
export const workerCommands: Commands = {
  ping: { kind: 'inspect', help: 'is it there', run: () => ({ ok: 'pong' }) },
  stats: { kind: 'inspect', help: 'what it has done, and what it is made of', run: stats },
  memsample: { kind: 'inspect', help: 'memory in use', run: () => readable(process.memoryUsage.rss()) },
  hello: {
    kind: 'inspect',
    help: 'tell a new worker what it should know',
    isHidden: true,
    run({ hostname, state, clock, log }, { from_node: from, revoked }) {
      if (from === hostname) return undefined // silence: a node does not sync with itself
      log.info(`sync with ${from}`)
      if (isObject(revoked)) state.revoked.merge(revoked)
      return { revoked: state.revoked.forNeighbours(), clock: clock.forward() }
    },
  },
  shutdown: {
    kind: 'control',
    help: 'finish what runs, and end',
    run({ log, shutdown }) {
      log.warning('Got shutdown from remote')
      shutdown()
      return undefined
    },
  },
}

function stats({ app, state, clock, startedAt, prefetch, pool, limits, autoscaler }: PanelTarget): object {
  return {
    total: Object.fromEntries(state.total),
    pid: process.pid,
    clock: String(clock.value),
    uptime: Math.round((app.clock.now() - startedAt) / 1000),
    pool: {
      implementation: `celery-sandbox:${pool.name}`,
      'max-concurrency': pool.concurrency,
      timeouts: [limits.defaults.soft ?? 0, limits.defaults.hard ?? 0],
      ...pool.stats(),
    },
    ...(autoscaler && { autoscaler: autoscaler.info() }),
    broker: broker(app.conf),
    prefetch_count: prefetch(),
    rusage: resourceUsage(),
    sw_ident: 'celery-sandbox',
    sw_ver: version,
  }
}

/** Without the password, in kombu's words. */
function broker({ brokerUrl, brokerConnectionTimeout }: PanelTarget['app']['conf']): object {
  const { scheme, hostname, port, username, path } = parseUrl(brokerUrl)
  return {
    hostname,
    userid: username ?? null,
    virtual_host: path || '/',
    port: port ?? null,
    insist: false,
    ssl: scheme.endsWith('s') && scheme !== 'redis+s',
    transport: scheme,
    connect_timeout: brokerConnectionTimeout,
    transport_options: {},
    login_method: null,
    uri_prefix: null,
    heartbeat: null,
    failover_strategy: 'round-robin',
    alternates: [],
  }
}

/** As Python's `resource.getrusage` names it. */
function resourceUsage(): Record<string, number> {
  const usage = process.resourceUsage()
  return {
    utime: usage.userCPUTime / 1e6,
    stime: usage.systemCPUTime / 1e6,
    maxrss: usage.maxRSS,
    ixrss: usage.sharedMemorySize,
    idrss: usage.unsharedDataSize,
    isrss: usage.unsharedStackSize,
    minflt: usage.minorPageFault,
    majflt: usage.majorPageFault,
    nswap: usage.swappedOut,
    inblock: usage.fsRead,
    oublock: usage.fsWrite,
    msgsnd: usage.ipcSent,
    msgrcv: usage.ipcReceived,
    nsignals: usage.signalsCount,
    nvcsw: usage.voluntaryContextSwitches,
    nivcsw: usage.involuntaryContextSwitches,
  }
}

/** `55.84MB`: five digits, as Celery's. */
function readable(bytes: number): string {
  const [divisor, unit] = units.find(([least]) => bytes >= least) ?? [1, 'b']
  return `${Number((bytes / divisor).toPrecision(5))}${unit}`
}

const units = [
  [2 ** 40, 'TB'],
  [2 ** 30, 'GB'],
  [2 ** 20, 'MB'],
  [2 ** 10, 'KB'],
] as const
