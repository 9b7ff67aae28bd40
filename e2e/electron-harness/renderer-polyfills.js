// What the page uses and Chromium 108 lacks. Loaded before the page's own script, by the harness only.
(() => {
  const define = (target, name, value) => {
    if (target[name] === undefined) Object.defineProperty(target, name, { value, writable: true, configurable: true });
  };
  define(Promise, 'withResolvers', function withResolvers() {
    let resolve;
    let reject;
    const promise = new this((a, b) => {
      resolve = a;
      reject = b;
    });
    return { promise, resolve, reject };
  });
  define(Promise, 'try', function attempt(act, ...args) { return new this((resolve) => { resolve(act(...args)); }); });
  for (const list of [Array.prototype, Object.getPrototypeOf(Uint8Array.prototype)]) {
    define(list, 'toSorted', function toSorted(compare) { return this.slice().sort(compare); });
    define(list, 'toReversed', function toReversed() { return this.slice().reverse(); });
    define(list, 'with', function replaced(index, value) { const copy = this.slice(); copy[index < 0 ? copy.length + index : index] = value; return copy; });
  }
  define(Array.prototype, 'toSpliced', function toSpliced(...args) { const copy = this.slice(); copy.splice(...args); return copy; });
  define(Array, 'fromAsync', async (source, map = (x) => x) => {
    const items = [];
    for await (const item of source) items.push(await map(item, items.length));
    return items;
  });
  const group = (items, keyOf, put) => { let i = 0; for (const item of items) put(keyOf(item, i++), item); };
  define(Object, 'groupBy', (items, keyOf) => {
    const groups = Object.create(null);
    group(items, keyOf, (key, item) => { (groups[key] ??= []).push(item); });
    return groups;
  });
  define(Map, 'groupBy', (items, keyOf) => {
    const groups = new Map();
    group(items, keyOf, (key, item) => { if (!groups.has(key)) groups.set(key, []); groups.get(key).push(item); });
    return groups;
  });
  define(URL, 'canParse', (url, base) => { try { new URL(url, base); return true; } catch { return false; } });
  define(URL, 'parse', (url, base) => { try { return new URL(url, base); } catch { return null; } });
  define(AbortSignal, 'any', (signals) => {
    const controller = new AbortController();
    for (const signal of signals) {
      if (signal.aborted) controller.abort(signal.reason);
      else signal.addEventListener('abort', () => { controller.abort(signal.reason); }, { once: true });
    }
    return controller.signal;
  });
  const set = {
    union(other) { return new Set([...this, ...other.keys()]); },
    intersection(other) { return new Set([...this].filter((x) => other.has(x))); },
    difference(other) { return new Set([...this].filter((x) => !other.has(x))); },
    symmetricDifference(other) { return new Set([...[...this].filter((x) => !other.has(x)), ...[...other.keys()].filter((x) => !this.has(x))]); },
    isSubsetOf(other) { return [...this].every((x) => other.has(x)); },
    isSupersetOf(other) { return [...other.keys()].every((x) => this.has(x)); },
    isDisjointFrom(other) { return [...this].every((x) => !other.has(x)); },
  };
  for (const [name, method] of Object.entries(set)) define(Set.prototype, name, method);
  const iterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  define(iterator, 'map', function* map(act) { let i = 0; for (const x of this) yield act(x, i++); });
  define(iterator, 'filter', function* filter(test) { let i = 0; for (const x of this) if (test(x, i++)) yield x; });
  define(iterator, 'take', function* take(n) { if (n <= 0) return; let i = 0; for (const x of this) { yield x; if (++i >= n) return; } });
  define(iterator, 'drop', function* drop(n) { let i = 0; for (const x of this) if (i++ >= n) yield x; });
  define(iterator, 'flatMap', function* flatMap(act) { let i = 0; for (const x of this) yield* act(x, i++); });
  define(iterator, 'toArray', function toArray() { return [...this]; });
  define(iterator, 'forEach', function forEach(act) { let i = 0; for (const x of this) act(x, i++); });
  define(iterator, 'some', function some(test) { for (const x of this) if (test(x)) return true; return false; });
  define(iterator, 'every', function every(test) { for (const x of this) if (!test(x)) return false; return true; });
  define(iterator, 'find', function find(test) { for (const x of this) if (test(x)) return x; return undefined; });
  define(iterator, 'reduce', function reduce(act, ...first) { return [...this].reduce(act, ...first); });
  define(Symbol, 'asyncDispose', Symbol('Symbol.asyncDispose'));
  define(Symbol, 'dispose', Symbol('Symbol.dispose'));
  define(globalThis, 'scheduler', { yield: () => new Promise((resolve) => { setTimeout(resolve, 0); }), postTask: (act) => Promise.resolve().then(act) });
})();
