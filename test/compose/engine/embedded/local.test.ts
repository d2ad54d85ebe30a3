import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localEngine } from '../../../../compose/engine/embedded/local.ts'
import { engineConformance } from '../../../conformance/engine.ts'
import { fakeCommands } from './fake-commands.ts'

engineConformance('the embedded engine', async () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'local-engine-')))
  const engine = localEngine({ directory, commands: fakeCommands })
  return {
    engine,
    command: (behaviour) => ({ image: 'node', command: ['celery-sandbox', 'worker', JSON.stringify(behaviour)] }),
    async cleanUp(project) {
      const containers = await engine.containers(project)
      await Promise.all(containers.map(({ id }) => engine.remove(id)))
      await engine.release(project)
      rmSync(directory, { recursive: true })
    },
  }
})
