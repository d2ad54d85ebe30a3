import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Model } from '../../compose/file/model.ts'
import { openProject } from '../../compose/file/project.ts'

/** The model of a compose file given as text; the project is called `shop`. */
export function modelOf(text: string, env: Record<string, string> = {}): Model {
  const directory = mkdtempSync(join(tmpdir(), 'compose-model-'))
  try {
    writeFileSync(join(directory, 'compose.yaml'), text)
    return openProject({ directory, projectName: 'shop', env }).model()
  } finally {
    rmSync(directory, { recursive: true })
  }
}
