import { constants } from 'node:os'
import { version } from '../../src/index.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { ownCommand } from '../installation.ts'
import { type ClusterEvent, kill, restartNodes, start, stop, stopwait } from '../multi/cluster.ts'
import { type Node, nodesOf } from '../multi/node.ts'
import { clusterText, staysOnLine } from '../multi/text.ts'
import { readWords } from '../multi/words.ts'

type MultiEvent =
  | { readonly type: 'splash'; readonly version: string }
  | { readonly type: 'node'; readonly name: string; readonly argv?: readonly string[]; readonly text: string }
  | ClusterEvent

export const command = defineCommand({
  arguments: [
    ['<command>', 'start, stop, stopwait, restart, kill; show, names, get <name>, expand <template>'],
    ['[words...]', 'nodes, as names or how many; then options, of workers or of multi'],
  ],
  options: {},
  readsItsOwnWords: true,
  examples: [
    'celery-sandbox multi start 3 -c 4 -l info --pidfile=/run/shop/%n.pid --logfile=/var/log/shop/%n.log',
    'celery-sandbox multi show 10 -Q:1-3 images,video -Q:4,5 data -Q celery',
    'celery-sandbox multi start images mails@%h -c 4 -c:images 1 --workdir=/srv/shop',
    'celery-sandbox multi restart 3 --pidfile=/run/shop/%n.pid --logfile=/var/log/shop/%n.log',
    'celery-sandbox multi stopwait 3 -QUIT --pidfile=/run/shop/%n.pid',
    "celery-sandbox multi expand '%n %d' 2",
    'celery-sandbox multi start 2 --quiet    # also --nosplash, --verbose, --no-color',
  ],

  async *run(context, _options, given): AsyncIterable<MultiEvent> {
    const [verb = '', ...words] = given.filter((word) => !reserved.includes(word))
    const tell = tells[verb]
    if (tell) return yield* tell(words, context)
    const act = acts[verb]
    if (!act) throw new CliError('USAGE', `no such command of multi: '${verb}'`, { next: seeHelp })
    const events = act(words, context)
    const isQuiet = given.includes('--quiet') || given.includes('-q')
    if (!isQuiet && !given.includes('--nosplash')) yield { type: 'splash', version }
    for await (const event of events) {
      if (event.type === 'started' && event.exitCode !== 0) process.exitCode = exitCodes.failure
      const isShown = event.type === 'spawned' ? given.includes('--verbose') : !isQuiet
      if (isShown || context.mode === 'json') yield event
    }
  },

  text(event, paint) {
    if (event.type === 'splash') return paint.name(`celery-sandbox multi v${event.version}`)
    return event.type === 'node' ? event.text : clusterText(event, paint)
  },

  staysOnLine: ({ type }) => staysOnLine(type),
})

/** Of multi itself, wherever they stand. */
const reserved = ['--nosplash', '--quiet', '-q', '--verbose', '--no-color', '--json', '--plain']

const seeHelp = 'See them with: celery-sandbox multi --help'

/** Commands that only say what would be. */
const tells: Readonly<Record<string, (words: readonly string[], context: Context) => Iterable<MultiEvent>>> = {
  names: (words, context) => nodes(words, context).map(({ name }) => ({ type: 'node', name, text: name })),

  show: (words, context) =>
    nodes(words, context).map(({ name, argv }) => ({ type: 'node', name, argv, text: argv.join(' ') })),

  expand: ([template = '', ...words], context) =>
    nodes(words, context).map(({ name, expand }) => ({ type: 'node', name, text: expand(template) })),

  get([wanted, ...words], context) {
    const node = nodes(words, context).find(({ name }) => name === wanted)
    if (!node) throw new CliError('USAGE', `there is no node '${wanted}'`, { next: seeHelp })
    const { name, argv } = node
    return [{ type: 'node', name, argv, text: argv.slice(1).join(' ') }]
  },
}

type Act = (words: readonly string[], context: Context) => AsyncIterable<ClusterEvent>

const acts: Readonly<Record<string, Act>> = {
  start: (words, context) => start(nodes(words, context)),
  stop: (words, context) => stop(...nodesAndSignal(words, context)),
  stopwait: (words, context) => stopwait(...nodesAndSignal(words, context)),
  stop_verify: (words, context) => stopwait(...nodesAndSignal(words, context)),
  restart: (words, context) => restartNodes(...nodesAndSignal(words, context)),
  kill: (words, context) => kill(nodes(words, context)),
}

/** @throws {CliError} USAGE when there are none */
function nodes(words: readonly string[], { cwd }: Context): Node[] {
  const found = nodesOf(readWords(words), { command: ownCommand, cwd })
  if (found.length === 0) throw new CliError('USAGE', 'no nodes are named', { next: seeHelp })
  return found
}

/** `-9`, `-KILL`, `-SIGKILL`: of several the last; by default they are asked to end in order. */
function nodesAndSignal(words: readonly string[], context: Context): [Node[], NodeJS.Signals] {
  const signal = words.map(signalOf).findLast((each) => each !== undefined)
  const others = words.filter((word) => signalOf(word) === undefined)
  return [nodes(others, context), signal ?? 'SIGTERM']
}

function signalOf(word: string): NodeJS.Signals | undefined {
  const given = /^-(\d+|[A-Z][A-Z\d]+)$/.exec(word)?.[1]
  return (Object.entries(constants.signals) as [NodeJS.Signals, number][]).find(
    ([name, number]) => given === String(number) || given === name || given === name.slice('SIG'.length),
  )?.[0]
}
