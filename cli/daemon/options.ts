import { flag, type Option, text, type Values } from '../command.ts'

/** Options of every command that can run as a daemon; `--logfile` they have already. */
export const daemonOptions = {
  detach: flag('-D, --detach', 'run in the background; what goes wrong at the start is still told here'),
  pidfile: text(
    '--pidfile <path>',
    'hold the number of the process, and refuse to start beside another; %n is its name',
  ),
  workdir: text('--workdir <directory>', 'go there first'),
  umask: octal('--umask <mask>', 'what nobody may do with the files that it makes, in octal: 027'),
  uid: text('--uid <user>', 'run as this user, of which root is capable'),
  gid: text('--gid <group>', 'run in this group'),
  executable: text('--executable <path>', 'with --detach: the Node that runs in the background'),
}

export type DaemonOptions = Values<typeof daemonOptions>

function octal(flags: string, meaning: string): Option<number | undefined> {
  const parse = (given: string) => {
    if (/^[0-7]{1,4}$/.test(given)) return Number.parseInt(given, 8)
    throw new RangeError('it must be an octal number: 022')
  }
  return { flags, meaning, parse }
}
