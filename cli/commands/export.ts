import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { appOption, defineCommand, flag, text } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { type ExportedFile, systemdFiles } from '../export/systemd.ts'
import { ownCommand } from '../installation.ts'

type ExportEvent =
  | { readonly type: 'file'; readonly path: string; readonly text: string }
  | { readonly type: 'written'; readonly path: string }
  | { readonly type: 'next'; readonly commands: readonly string[] }

export const command = defineCommand({
  arguments: [['<format>', 'systemd: a unit for the workers, settings, directories']],
  options: {
    app: appOption,
    output: text('-o, --output <directory>', 'write the files there, as they belong below /etc (default: show them)'),
    force: flag('-f, --force', 'overwrite files'),
    beat: flag('-B, --beat', 'also a unit for beat'),
    name: text('--name <name>', 'how the units are called (default: as the directory)'),
    user: text('--user <user>', 'who runs them (default: you; celery for root)'),
    group: text('--group <group>', "(default: the user's name)"),
  },
  examples: [
    'celery-sandbox export systemd',
    'celery-sandbox export systemd --beat --user shop --output build/etc',
    'sudo celery-sandbox export systemd --output /etc && sudo systemctl enable --now shop-worker@1',
  ],

  async *run(context, { output, force, ...given }, [format]): AsyncIterable<ExportEvent> {
    if (format !== 'systemd') throw new CliError('USAGE', `nothing is exported as '${format}'; there is systemd`)
    const name = given.name ?? basename(context.cwd).replaceAll(/[^\w-]+/g, '-')
    if (!/^[A-Za-z0-9][\w-]*$/.test(name)) throw new CliError('INVALID_NAME', `'${name}' is no name for a unit`)
    const user = given.user ?? whoRuns()
    const place = { directory: context.cwd, command: installedCommand(context) }
    const files = systemdFiles({
      ...place,
      name,
      app: given.app,
      user,
      group: given.group ?? user,
      hasBeat: given.beat,
    })
    if (output === undefined) {
      for (const { path, text } of files) yield { type: 'file', path: join('/etc', path), text }
      return
    }
    const directory = resolve(context.cwd, output)
    for (const path of write(files, directory, force)) yield { type: 'written', path }
    yield { type: 'next', commands: nextSteps(name, directory, given.beat) }
  },

  text(event, paint) {
    if (event.type === 'file') return `${paint.strong(`#### ${event.path}`)}\n${event.text}`
    if (event.type === 'written') return `wrote ${event.path}`
    return `\nNext:\n${event.commands.map((line) => `  ${line}`).join('\n')}`
  },
})

const whoRuns = () => (userInfo().uid === 0 ? 'celery' : userInfo().username)

/** That of the project, which stays where it is; npx deletes its copies one day. */
function installedCommand({ cwd }: Context): readonly string[] {
  const [node = '', bin = ''] = ownCommand
  const installed = join(cwd, 'node_modules/celery-sandbox/dist/cli/bin.js')
  if (existsSync(installed)) return [node, installed]
  if (!bin.includes('/_npx/')) return [node, bin]
  throw new CliError('NO_PROJECT', 'celery-sandbox is not installed in this project', {
    next: 'Install it with: npm install celery-sandbox',
  })
}

/** All of them, or none. */
function write(files: readonly ExportedFile[], directory: string, force: boolean): string[] {
  const paths = files.map(({ path }) => join(directory, path))
  const taken = paths.filter((path) => existsSync(path))
  if (taken.length > 0 && !force) throw new CliError('FILE_EXISTS', `there is already: ${taken.join(', ')}`)
  return files.map(({ text, mode }, at) => {
    const path = paths[at] ?? ''
    mkdirSync(dirname(path), { recursive: true })
    // A link is replaced, not followed.
    rmSync(path, { force: true })
    writeFileSync(path, text, { mode, flag: 'wx' })
    return path
  })
}

function nextSteps(name: string, directory: string, hasBeat: boolean): string[] {
  const units = [`${name}-worker@1`, `${name}-worker@2`, ...(hasBeat ? [`${name}-beat`] : [])]
  return [
    ...(directory === '/etc' ? [] : [`sudo cp -R ${directory}/. /etc`]),
    `sudo nano /etc/default/${name}`,
    `sudo systemd-tmpfiles --create ${name}.conf`,
    `sudo systemctl daemon-reload && sudo systemctl enable --now ${units.join(' ')}`,
  ]
}
