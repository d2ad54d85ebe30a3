import type { Command } from '../command.ts'

export interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Imports the command when it is called, and nothing before. */
  readonly load: () => Promise<Command>
  readonly isHidden?: boolean
  /** Whether every word after its first argument is a command of its own, with options that are not ours. */
  readonly takesCommand?: boolean
}

/** Every command, in the order in which a person meets them. */
export const commandTable: readonly CommandEntry[] = [
  entry('demo', 'watch tasks run, in a project made for it and removed after', () => import('./demo.ts')),
  entry('init', 'make a project: tasks, settings, a stack', () => import('./init.ts')),
  entry('up', 'start the stack: broker, results, workers', () => import('./up.ts')),
  entry('down', 'stop the stack and remove what it made', () => import('./down.ts')),
  entry('stop', 'stop services, and leave their containers there', () => import('./stop.ts')),
  entry('start', 'start services that were stopped', () => import('./start.ts')),
  entry('restart', 'stop services and start them again', () => import('./restart.ts')),
  entry('scale', 'how many containers services have', () => import('./scale.ts')),
  entry('kill', 'send a signal to services', () => import('./kill.ts')),
  entry('pause', 'let nothing in services run', () => import('./pause.ts')),
  entry('unpause', 'let paused services run on', () => import('./unpause.ts')),
  entry('rm', 'remove containers that are stopped', () => import('./rm.ts')),
  entry('ps', 'list the containers of the stack', () => import('./ps.ts')),
  entry('build', 'build the images of the services', () => import('./build.ts')),
  entry('pull', 'fetch the images of the services', () => import('./pull.ts')),
  entry('images', 'list the images of the containers', () => import('./images.ts')),
  { ...entry('exec', 'run a program in a service that runs', () => import('./exec.ts')), takesCommand: true },
  {
    ...entry('run', 'run a service once more, with a command of its own', () => import('./run.ts')),
    takesCommand: true,
  },
  entry('watch', 'restart, build or copy when files change', () => import('./watch.ts')),
  entry('top', 'the processes in the containers', () => import('./top.ts')),
  entry('stats', 'what the containers use, live', () => import('./stats.ts')),
  entry('wait', 'wait until a service ends', () => import('./wait.ts')),
  entry('port', 'where a port of a service is reached', () => import('./port.ts')),
  entry('ls', 'every stack on this machine', () => import('./ls.ts')),
  entry('logs', 'show what the services say', () => import('./logs.ts')),
  entry('config', 'the compose files as they are understood, and what is wrong with them', () => import('./config.ts')),
  entry('repl', 'talk to the app: every task is a word', () => import('./repl.ts')),
  entry('call', 'send a task by its name', () => import('./call.ts')),
  entry('result', "show a task's result", () => import('./result.ts')),
  entry('trace', 'the story of one task', () => import('./trace.ts')),
  entry('worker', 'run a worker', () => import('./worker.ts')),
  entry('multi', 'start and stop several workers in the background', () => import('./multi.ts')),
  entry('status', 'which workers are there', () => import('./status.ts')),
  entry('beat', 'send periodic tasks when they are due', () => import('./beat.ts')),
  entry('inspect', 'ask the workers', () => import('./inspect.ts')),
  entry('control', 'tell the workers', () => import('./control.ts')),
  entry('events', 'watch workers and tasks, or containers (--stack)', () => import('./events.ts')),
  entry('queues', 'what waits in each queue, and who serves it', () => import('./queues.ts')),
  entry('list', 'every stack on this machine, or how queues are bound', () => import('./list.ts')),
  entry('purge', 'delete the tasks that wait in queues', () => import('./purge.ts')),
  entry('export', 'units for systemd', () => import('./export.ts')),
  entry('graph', 'workers, queues and results, for Graphviz', () => import('./graph.ts')),
  entry('doctor', 'look at Docker, this machine and the project, and say what is wrong', () => import('./doctor.ts')),
  entry('report', 'versions and settings, for bug reports', () => import('./report.ts')),
  entry('env', "print the stack's addresses for a shell", () => import('./env.ts')),
  { ...entry('broker', 'run the embedded broker', () => import('./broker.ts')), isHidden: true },
]

function entry(name: string, summary: string, load: () => Promise<{ command: unknown }>): CommandEntry {
  return { name, summary, load: async () => (await load()).command as Command }
}
