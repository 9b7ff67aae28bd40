import './app/zod-jitless.ts';
import './ui/tokens.css';
import './ui/base.css';
import './ui/frame.css';
import './ui/controls.css';
import './ui/tables.css';
import { createRoot } from 'react-dom/client';
import { preloadBenchmarks } from './app/benchmarks-route.tsx';
import { createApp } from './app/create-app.ts';
import { Root } from './app/root.tsx';
import { parseRoute } from './app/routes.ts';
import { applyTheme, readLastTheme } from './app/theme.ts';
import { createTokenBox, parseTokenFragment } from './connection/web-transport.ts';

/** The desktop's page comes from its own scheme; anything else is a browser tab, which needs the token. */
const inDesktop = location.protocol === 'app:';

applyTheme(readLastTheme());
const { token, rest } = parseTokenFragment(location.hash);
if (token !== null) history.replaceState(null, '', `${location.pathname}${location.search}${rest}`);
const box = inDesktop ? null : createTokenBox(token);
const app = createApp(box);
const container = document.getElementById('root');
if (container) createRoot(container).render(<Root app={app} token={box} />);
preloadBenchmarks();
if (parseRoute(location.hash).query.get('bench') === '1') {
  const { installBenchHook } = await import('./app/bench-hook.ts');
  installBenchHook(app);
}
