import { type Behaviour, engineConformance } from '../conformance/engine.ts'
import { describeWith, parts } from '../support/parts.ts'
import { cleanUp, docker } from './docker.ts'

describeWith(['docker', 'images'], 'with Docker', () => {
  engineConformance('the Docker engine', async () => ({
    engine: await docker(),
    command: (behaviour) => ({ image: parts().images.NODE_IMAGE, command: ['sh', '-c', script(behaviour)] }),
    cleanUp,
  }))
})

function script({ says = [], exits, stubborn = false }: Behaviour): string {
  const speak = says.map((line) => `echo '${line}'`)
  const end = exits === undefined ? ['while :; do sleep 0.05; done'] : [`exit ${exits}`]
  return [`trap '${stubborn ? '' : 'exit 0'}' TERM`, ...speak, ...end].join('; ')
}
