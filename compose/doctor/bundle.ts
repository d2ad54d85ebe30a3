import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { messageOf } from '../errors.ts'
import { type Environment, readEnvironment } from '../file/discover.ts'
import type { OpenedProject } from '../file/project.ts'
import { stateFiles } from '../state-directory.ts'
import { statusOf } from '../verbs/ps.ts'
import { type Examination, type ExamineOptions, engineOf, findProject } from './doctor.ts'
import {
  isSecretName,
  linesOf,
  secretsOfCommand,
  secretsOfEnvironment,
  secretsOfModel,
  worthHiding,
} from './secrets.ts'

/** What somebody who shall help needs to see. Not masked yet: see `secrets`. */
export interface Bundle {
  readonly files: readonly { readonly name: string; readonly text: string }[]
  /** Every value that must not be in it, wherever it stands. */
  readonly secrets: readonly string[]
}

const logLines = 500

/** Gathers all there is; what cannot be had is told in its place. */
export async function collectBundle(examination: Examination, options: ExamineOptions): Promise<Bundle> {
  const env = options.env ?? process.env
  const { project } = findProject(options)
  const collected: Collected = { files: [], secrets: [...secretsOfEnvironment(env)], short: new Set() }
  if (project) {
    addDotenv(project, env, collected)
    addModel(project, collected)
    await addContainers(project, options, collected)
  }
  const doctor = { name: 'doctor.json', text: json(examination, collected) }
  const versions = { node: process.versions, platform: process.platform, arch: process.arch }
  const files = [doctor, { name: 'versions.json', text: json(versions, collected) }, ...collected.files]
  return { files, secrets: [...new Set(collected.secrets)].filter(worthHiding) }
}

interface Collected {
  readonly files: { name: string; text: string }[]
  readonly secrets: string[]
  /** Too short to look for in all text; hidden where they are a whole value. */
  readonly short: Set<string>
}

/** Whatever stands in `.env` is nobody else's business. */
function addDotenv({ directory }: OpenedProject, env: Environment, { secrets, short }: Collected): void {
  const path = resolve(directory, '.env')
  const { COMPOSE_ENV_FILES } = env
  const { COMPOSE_ENV_FILES: _, ...environment } = readEnvironment(
    [directory],
    { COMPOSE_ENV_FILES },
    { start: directory },
  ).environment
  const raw = existsSync(path)
    ? linesOf(read(path)).map((line) => line.replace(/^[^=]*=\s*["']?(.*?)["']?$/, '$1'))
    : []
  for (const value of [...Object.values(environment), ...raw]) {
    if (!value) continue
    secrets.push(value, ...linesOf(value))
    short.add(value)
  }
}

function addModel(project: OpenedProject, collected: Collected): void {
  try {
    const model = project.model()
    collected.secrets.push(...secretsOfModel(model), ...secretFiles(model, project.directory))
    collected.files.push({ name: 'config.json', text: json(model, collected) })
  } catch (thrown) {
    const details = (thrown as { details?: readonly string[] }).details ?? []
    collected.files.push({ name: 'config.error.txt', text: [messageOf(thrown), ...details].join('\n') })
  }
}

/** The contents of the files that become secrets and configs. */
function secretFiles(model: object, directory: string): readonly string[] {
  return ['secrets', 'configs'].flatMap((key) =>
    Object.values((Reflect.get(model, key) ?? {}) as object).flatMap((entry: unknown) => {
      const file = (entry as { file?: unknown } | null)?.file
      if (typeof file !== 'string') return []
      const text = read(isAbsolute(file) ? file : resolve(directory, file))
      return [text.trim(), ...linesOf(text)]
    }),
  )
}

async function addContainers(project: OpenedProject, options: ExamineOptions, collected: Collected): Promise<void> {
  const choice = await engineOf(project, options)
  if (!choice) return
  const { engine } = choice
  try {
    const statuses = await statusOf(engine, project.name, {}, undefined)
    const engineLog = stateFiles.log(project.directory, 'engine')
    if (existsSync(engineLog)) {
      const text = read(engineLog).split('\n').slice(-logLines).join('\n')
      collected.files.push({ name: 'logs/engine.log', text })
    }
    for (const { id, name } of statuses) {
      const detail = await engine.inspect(id)
      collected.secrets.push(
        ...secretsOfEnvironment(detail?.environment ?? {}),
        ...secretsOfCommand(detail?.command ?? []),
      )
      collected.files.push({ name: `inspect/${name}.json`, text: json(detail ?? null, collected) })
      collected.files.push({ name: `logs/${name}.log`, text: await logOf(engine, id) })
    }
    collected.files.push({ name: 'ps.json', text: json(statuses, collected) })
  } catch (thrown) {
    collected.files.push({ name: 'containers.error.txt', text: messageOf(thrown) })
  } finally {
    await engine.close()
  }
}

async function logOf(engine: Engine, container: string): Promise<string> {
  const lines: string[] = []
  try {
    for await (const { time, stream, text } of engine.logs(container, { tail: logLines })) {
      lines.push(`${time} ${stream} ${text}`)
    }
  } catch (thrown) {
    lines.push(messageOf(thrown))
  }
  return lines.join('\n')
}

/** JSON in which nothing stands that is secret by its name, or is a whole value of `.env`. */
function json(value: unknown, { short }: Collected): string {
  const hidden = (key: string, entry: unknown) =>
    typeof entry === 'string' && entry !== '' && (isSecretName(key) || short.has(entry)) ? '**' : entry
  return `${JSON.stringify(value, hidden, 2)}\n`
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
