import { resolve } from 'node:path'
import { collectBundle, type Examination, examine, type Finding } from '../../compose/index.ts'
import { defineCommand, type Option } from '../command.ts'
import { writeArchive } from '../doctor/archive.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { ownCommand } from '../installation.ts'
import { createMask } from '../output/mask.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'
import { stackOptions } from '../project.ts'

interface DoctorEvent extends Examination {
  readonly type: 'doctor'
  /** Where the bundle was written. */
  readonly bundle: string | undefined
}

export const command = defineCommand({
  options: {
    bundle: bundleOption('--bundle [file]', 'write all that helps to help into a tar.gz, without secrets'),
    file: stackOptions.file,
    projectName: stackOptions.projectName,
  },
  examples: ['celery-sandbox doctor', 'celery-sandbox doctor --json', 'celery-sandbox doctor --bundle for-you.tar.gz'],

  async *run(context, { bundle, file: files, projectName }): AsyncIterable<DoctorEvent> {
    const { cwd: directory, env } = context
    const commands = { bin: ownCommand, broker: [...ownCommand, 'broker'] }
    const options = { directory, env, files, projectName, commands }
    const examination = await examine(options)
    const path = bundle === undefined ? undefined : resolve(directory, bundle === true ? defaultName() : bundle)
    if (path !== undefined) await write(path, () => collectBundle(examination, options))
    const { docker, embedded } = examination.works
    if (!docker && !embedded) process.exitCode = exitCodes.environment
    yield { type: 'doctor', ...masked(examination), bundle: path }
  },

  text({ findings, works, bundle }, paint) {
    const areas = Object.entries(Object.groupBy(findings, ({ area }) => area))
    const lines = areas.flatMap(([area, found = []]) => [
      paint.strong(titles[area as Finding['area']]),
      ...found.map((finding) => findingText(finding, paint)),
    ])
    const written =
      bundle === undefined
        ? []
        : ['', `Written to ${sanitize(bundle)}; secrets are masked, but look into it before you send it.`]
    const hasWarnings = findings.some(({ mark }) => mark === 'warn' || mark === 'bad')
    return [...lines, '', conclusion(works, hasWarnings, paint), ...written].join('\n')
  },
})

/** With a file or without one. */
function bundleOption(flags: string, meaning: string): Option<string | true | undefined> {
  return { flags, meaning }
}

const defaultName = () => `celery-sandbox-doctor-${new Date().toISOString().replace(/[:.]/g, '-')}.tar.gz`

async function write(path: string, collect: () => ReturnType<typeof collectBundle>): Promise<void> {
  try {
    await writeArchive(await collect(), path)
  } catch (cause) {
    const next = 'Name a file that can be written: --bundle <file>.'
    throw new CliError('UNWRITABLE', `cannot write ${path}`, { cause, next })
  }
}

/** Addresses may have passwords in them, also here. */
function masked(examination: Examination): Examination {
  const mask = createMask([])
  return JSON.parse(JSON.stringify(examination), (_, value) => (typeof value === 'string' ? mask(value) : value))
}

const titles: Readonly<Record<Finding['area'], string>> = {
  docker: 'Docker',
  machine: 'Machine',
  tools: 'Tools',
  project: 'Project',
}

const marks = { good: '✓', warn: '!', bad: '✗', note: '·' } as const
const tones = { good: 'good', warn: 'warn', bad: 'bad', note: 'dim' } as const

function findingText({ mark, text, next, details = [] }: Finding, paint: Paint): string {
  const indented = (line: string) => `      ${paint.dim(sanitize(line))}`
  return [
    `  ${paint[tones[mark]](marks[mark])} ${sanitize(text)}`,
    ...details.map(indented),
    ...(next ? [indented(next)] : []),
  ].join('\n')
}

function conclusion({ docker, embedded }: Examination['works'], hasWarnings: boolean, paint: Paint): string {
  if (docker) return paint.good(`${hasWarnings ? 'Well enough' : 'All is well'}: up runs on Docker.`)
  if (embedded) return paint.good('Well enough: up runs on the embedded engine, without Docker.')
  return paint.bad('Nothing can be started before what is marked ✗ is mended.')
}
