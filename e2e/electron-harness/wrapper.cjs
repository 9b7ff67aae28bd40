// Stands in resources/app of an old Electron: loads the shims, then the app in the folder that
// WARPDECK_HARNESS_APP names, as `electron FOLDER` would.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { app } = require('electron');
require('./main-shims.cjs');

const folder = process.env.WARPDECK_HARNESS_APP;
if (!folder) {
  process.stderr.write('WARPDECK_HARNESS_APP does not name a folder.\n');
  process.exit(2);
}
// enableSandbox takes --no-sandbox back, and Chromium refuses to run as root without it (containers of a CI).
if (process.argv.includes('--no-sandbox')) app.enableSandbox = () => undefined;
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
app.getAppPath = () => folder;
app.getVersion = () => manifest.version;
app.setName(manifest.productName ?? manifest.name);
// Playwright's own loader holds `ready` back until Playwright listens. Without it the first window may be made in
// the middle of Playwright's set-up, and then the launch hangs, now and then.
if (process.env.WARPDECK_PLAYWRIGHT_LOADER) require(process.env.WARPDECK_PLAYWRIGHT_LOADER);
require(join(folder, manifest.main));
