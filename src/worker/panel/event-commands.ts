import { type Commands, named } from './target.ts'

/** What monitors and other workers hear of a worker. */
export const eventCommands: Commands = {
  clock: {
    kind: 'inspect',
    help: 'the logical clock',
    run: ({ clock }) => ({ clock: clock.value }),
  },
  enable_events: {
    kind: 'control',
    help: 'tell monitors what becomes of tasks',
    run: (worker) => ({ ok: worker.setTaskEvents(true) ? 'task events enabled' : 'task events already enabled' }),
  },
  disable_events: {
    kind: 'control',
    help: 'tell monitors of tasks no more',
    run: (worker) => ({ ok: worker.setTaskEvents(false) ? 'task events disabled' : 'task events already disabled' }),
  },
  heartbeat: {
    kind: 'control',
    help: 'send a heartbeat now',
    run({ heartbeat }) {
      heartbeat.beat()
      return null
    },
  },
  election: {
    kind: 'control',
    help: 'let one of the workers do something',
    args: [
      ['id', 'text'],
      ['topic', 'text'],
    ],
    signature: '<id> <topic>',
    run({ gossip }, args) {
      gossip?.election(named(args, 'id'), named(args, 'topic'), args.action ?? null)
      return null
    },
  },
}
