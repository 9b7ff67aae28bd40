/** Variables that say where tools keep environments. Not among those that every child inherits; none of them is secret. */
const NAMES = [
  ...['VIRTUAL_ENV', 'WORKON_HOME', 'PYTHONUSERBASE', 'PYENV_ROOT', 'PIPX_HOME', 'PIPX_GLOBAL_HOME', 'HATCH_DATA_DIR', 'JUPYTER_DATA_DIR'],
  ...['UV_TOOL_DIR', 'UV_PYTHON_INSTALL_DIR', 'UV_PROJECT_ENVIRONMENT', 'PIXI_HOME', 'PIXI_CACHE_DIR', 'POETRY_CACHE_DIR', 'POETRY_VIRTUALENVS_PATH'],
  ...['CONDA', 'CONDA_DIR', 'CONDA_ROOT', '_CONDA_ROOT', 'CONDA_PREFIX', 'CONDA_PREFIX_1', 'CONDA_EXE', 'CONDA_ENVS_PATH', 'CONDA_ENVS_DIRS', 'CONDARC', 'MAMBA_EXE', 'MAMBA_ROOT_PREFIX'],
];

/** Those of an environment that are set, to hand to the worker. */
export function pickPlaceVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(NAMES.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  }));
}
