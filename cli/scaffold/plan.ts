import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative, resolve, sep } from 'node:path'
import { CliError } from '../errors.ts'
import { templatesPath } from '../installation.ts'

export const templateNames = ['minimal'] as const
export const brokerNames = ['rabbitmq', 'redis'] as const

export interface Answers {
  readonly name: string
  readonly template: (typeof templateNames)[number]
  readonly broker: (typeof brokerNames)[number]
}

export const defaultAnswers: Answers = { name: 'sandbox', template: 'minimal', broker: 'rabbitmq' }

export interface PlannedFile {
  /** Relative to the project. */
  readonly path: string
  readonly content: string
  readonly mode: number
}

/** What `init` will write, decided before anything is written. */
export interface ScaffoldPlan {
  readonly directory: string
  readonly name: string
  readonly files: readonly PlannedFile[]
}

/** Directories whose files replace those of the template, by answer. */
const overlays: { readonly [B in Answers['broker']]: readonly string[] } = {
  rabbitmq: [],
  redis: ['overlays/redis-broker'],
}

/** npm leaves files of this name out of a package, so templates keep it under another one. */
const renamed: Readonly<Record<string, string>> = { gitignore: '.gitignore' }

/** @throws {CliError} INVALID_NAME */
export function planScaffold(answers: Answers, cwd: string): ScaffoldPlan {
  const directory = resolve(cwd, answers.name)
  const name = basename(directory)
  checkName(answers.name === '.' ? name : answers.name)
  const contents = new Map<string, string>()
  for (const source of [answers.template, ...overlays[answers.broker]]) {
    for (const [path, content] of readTemplate(source)) contents.set(renamed[path] ?? path, content)
  }
  const example = contents.get('.env.example') ?? ''
  contents.set('.env', withSecrets(example))
  contents.set('package.json', named(contents.get('package.json') ?? '{}', name))
  const files = [...contents].map(([path, content]) => ({ path, content, mode: path === '.env' ? 0o600 : 0o644 }))
  return { directory, name, files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) }
}

function checkName(name: string): void {
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/i.test(name)) return
  throw new CliError('INVALID_NAME', `'${name}' cannot be the name of a project`)
}

function readTemplate(source: string): [path: string, content: string][] {
  const root = join(templatesPath, source)
  const left = new Set(['node_modules', 'vendor'])
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !relative(root, path)
          .split(sep)
          .some((part) => left.has(part)),
    )
    .map((path) => [relative(root, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')])
}

/** A password for each `…=change-me`. */
function withSecrets(example: string): string {
  return example
    .replace(/^# .*random.*\n/m, '# Made by celery-sandbox init for this project alone. Keep it out of git.\n')
    .replace(/=change-me$/gm, () => `=${randomBytes(18).toString('hex')}`)
}

function named(manifest: string, name: string): string {
  return `${JSON.stringify({ ...JSON.parse(manifest), name: name.toLowerCase() }, null, 2)}\n`
}
