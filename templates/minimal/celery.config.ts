import { defineConfig } from 'celery-sandbox'

// Addresses are not here: compose.yaml gives them to the workers as CELERY_BROKER_URL and CELERY_RESULT_BACKEND, and
// celery-sandbox gives them to you (repl, call, result).
export default defineConfig({
  include: ['./tasks/*.ts'],
  taskTrackStarted: true,
})
