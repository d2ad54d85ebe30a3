import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../errors.ts'
import { binPath, packageRoot } from '../installation.ts'

/**
 * Installs a project's dependencies. This package itself comes as a tarball of the running copy, in vendor/, so that
 * the project and its containers run the same code.
 *
 * @throws {CliError} INSTALL_FAILED with what npm said
 */
export async function installDependencies(directory: string, signal: AbortSignal): Promise<void> {
  const vendor = join(directory, 'vendor')
  await mkdir(vendor, { recursive: true })
  const pack = ['pack', packageRoot, '--pack-destination', vendor, '--ignore-scripts', '--json']
  const packed = JSON.parse(await npm(pack, directory, signal)) as { filename: string }[]
  await dependOn(directory, `file:vendor/${packed[0]?.filename}`)
  await npm(['install', '--no-audit', '--no-fund', '--loglevel=error'], directory, signal)
}

async function dependOn(directory: string, version: string): Promise<void> {
  const path = join(directory, 'package.json')
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  manifest.dependencies['celery-sandbox'] = version
  await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`)
}

/** Without npm: the project uses the running copy in its place. For projects that do not stay. */
export async function linkRunningCopy(directory: string): Promise<void> {
  const modules = join(directory, 'node_modules')
  await mkdir(join(modules, '.bin'), { recursive: true })
  await symlink(packageRoot, join(modules, 'celery-sandbox'), 'junction')
  if (process.platform !== 'win32') await symlink(binPath, join(modules, '.bin', 'celery-sandbox'))
}

async function npm(args: readonly string[], cwd: string, signal: AbortSignal): Promise<string> {
  const child = spawn('npm', args, {
    cwd,
    signal,
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.on('error', reject)
  child.on('close', (code) => {
    if (code === 0) return resolve()
    const reason = output.stderr.trim() || output.stdout.trim() || `npm ended with ${code}`
    reject(new CliError('INSTALL_FAILED', `npm ${args[0]} failed: ${reason.split('\n').slice(0, 5).join('\n')}`))
  })
  await promise
  return output.stdout
}

/** True when the running copy has been built and can be packed. */
export const isPackable = (): boolean => existsSync(binPath)
