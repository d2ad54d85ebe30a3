import { readFileSync, rmSync } from 'node:fs'
import { stateFiles, writeWhole } from '../../state-directory.ts'

/** Where the embedded engine of a project listens, and the secret that opens it. */
export interface EngineFile {
  /** The mark on its processes. */
  readonly id: string
  readonly pid: number
  readonly port: number
  readonly token: string
}

/** Undefined when there is none, or none that can be read. */
export function readEngineFile(directory: string): EngineFile | undefined {
  try {
    return JSON.parse(readFileSync(stateFiles.engine(directory), 'utf8'))
  } catch {
    return undefined
  }
}

/** For its owner's eyes only. */
export function writeEngineFile(directory: string, file: EngineFile): void {
  writeWhole(stateFiles.engine(directory), `${JSON.stringify(file)}\n`, 0o600)
}

/** Whether it is there or not. */
export function removeEngineFile(directory: string): void {
  rmSync(stateFiles.engine(directory), { force: true })
}
