/** Where a Python peer finds its broker and its results; `settings` go into Celery's configuration as they are. */
export interface PythonApp {
  broker: string
  /** Results are ignored without one. */
  backend?: string
  /** @example { task_default_queue: 'python' } */
  settings?: Record<string, unknown>
}

/** How to run Python so that `import tasks` gives the app in tasks.py, set up like this. */
export const pythonApp = ({ broker, backend, settings = {} }: PythonApp) => ({
  cwd: import.meta.dirname,
  env: {
    CELERY_BROKER_URL: broker,
    CELERY_RESULT_BACKEND: backend,
    CELERY_SETTINGS: JSON.stringify(settings),
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  },
})
