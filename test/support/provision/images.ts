import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { answer, run } from '../process.ts'
import { debianMirror } from './apt.ts'
import { testLabel } from './docker.ts'
import type { Found, Part } from './part.ts'

/**
 * Stand-ins for official images, made of Debian packages on the engine itself: no registry is needed. Each carries
 * the fingerprint of its recipe, so that it is built again when the recipe has changed, and only then.
 */
export const images: Part<'images'> = {
  packages: ['debootstrap'],
  async find(reach) {
    const { host } = await reach('docker')
    const current = await Promise.all(stages.map((stage) => isCurrent(stage, host)))
    return current.every(Boolean) ? found : undefined
  },
  isInstalled: async () => (await answer('debootstrap', ['--version'])) !== undefined,
  async start(reach) {
    const { host } = await reach('docker')
    if (!(await isCurrent('debian', host))) await buildBase(host)
    await Promise.all(stages.map(async (stage) => (await isCurrent(stage, host)) || buildStage(stage, host)))
    await removeFormer(host)
    return found
  },
}

const stages = ['redis', 'rabbitmq', 'node', 'celery'] as const

type Stage = 'debian' | (typeof stages)[number]

const tagOf = (stage: Stage) => `celery-sandbox-test/${stage}`
const recipeOf = (stage: Stage) => join(import.meta.dirname, '..', 'images', stage)

const release = 'bookworm'

// The Node that runs the tests is an official build: it runs in a container as well.
const nodePackage = dirname(createRequire(import.meta.url).resolve('node/package.json'))
const nodeVersion = String(JSON.parse(readFileSync(join(nodePackage, 'package.json'), 'utf8')).version)
const npmPackage = 'npm@11'

const fingerprints = new Map<Stage, string>()

function fingerprint(stage: Stage): string {
  const known = fingerprints.get(stage)
  if (known) return known
  const hash = createHash('sha256')
  hash.update(stage === 'debian' ? `${debianMirror} ${release}` : fingerprint('debian'))
  if (stage === 'node') hash.update(`${nodeVersion} ${npmPackage}`)
  for (const file of filesIn(recipeOf(stage))) hash.update(relative(recipeOf(stage), file)).update(readFileSync(file))
  const text = hash.digest('hex').slice(0, 12)
  fingerprints.set(stage, text)
  return text
}

const filesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

const found: Found<'images'> = {
  version: `${release}, Node ${nodeVersion}`,
  endpoint: {
    REDIS_IMAGE: tagOf('redis'),
    RABBITMQ_IMAGE: tagOf('rabbitmq'),
    NODE_IMAGE: tagOf('node'),
    PYTHON_CELERY_IMAGE: tagOf('celery'),
  },
}

async function isCurrent(stage: Stage, host: string): Promise<boolean> {
  const format = `{{index .Config.Labels "${testLabel}"}}`
  const label = await answer('docker', ['image', 'inspect', '--format', format, tagOf(stage)], {
    env: { DOCKER_HOST: host },
  })
  return label === fingerprint(stage)
}

async function buildBase(host: string): Promise<void> {
  // Not in /tmp, which may be memory and refuse device files.
  const root = await mkdtemp('/var/tmp/celery-sandbox-test-')
  try {
    await shell(
      `debootstrap --variant=minbase "$RELEASE" "$ROOT" "$MIRROR" &&
       cp --recursive --preserve=mode "$RECIPE"/. "$ROOT" &&
       tar --create --directory "$ROOT" --exclude './var/cache/apt/*' . |
         docker import --change "LABEL $LABEL" - "$TAG"`,
      { ...target('debian', host), ROOT: root, RELEASE: release, MIRROR: debianMirror, RECIPE: recipeOf('debian') },
    )
  } finally {
    // A debootstrap that failed may leave /proc mounted in there.
    await run('rm', ['--recursive', '--force', '--one-file-system', root])
  }
}

async function buildStage(stage: Stage, host: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'celery-sandbox-test-'))
  try {
    const context = ['--directory', recipeOf(stage), '.']
    if (stage === 'node') {
      await shell('npm pack --silent --pack-destination "$SCRATCH" "$NPM"', { SCRATCH: scratch, NPM: npmPackage })
      context.push('--directory', nodePackage, 'bin/node', '--directory', scratch, '.')
    }
    await shell(
      `tar --create "$@" | docker build --network host --label "$LABEL" --tag "$TAG" -`,
      // The builder every engine has; the other one is a plug-in.
      { ...target(stage, host), DOCKER_BUILDKIT: '0' },
      context,
    )
  } finally {
    await rm(scratch, { recursive: true })
  }
}

/** Images that lost their name to a newer recipe. */
async function removeFormer(host: string): Promise<void> {
  const filter = ['--filter', `label=${testLabel}`]
  await answer('docker', ['image', 'prune', '--force', ...filter], { env: { DOCKER_HOST: host } })
}

const target = (stage: Stage, host: string) => ({
  DOCKER_HOST: host,
  LABEL: `${testLabel}=${fingerprint(stage)}`,
  TAG: tagOf(stage),
})

async function shell(script: string, env: Record<string, string>, args: string[] = []): Promise<void> {
  const outcome = await run('sh', ['-c', script, 'sh', ...args], { env, timeoutMs: 600_000 })
  if (outcome.code === 0) return
  const lines = `${outcome.stdout}${outcome.stderr}`.trim().split('\n').slice(-12)
  throw new Error(`${env.TAG ?? script} could not be built:\n${lines.join('\n')}`)
}
