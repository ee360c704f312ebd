// Tells any value as one text, -0 and holes included.
const show = (value, depth = 5) => {
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (!depth) return '...';
  const inner = (one) => show(one, depth - 1);
  const list = (values) => values.map(inner).join(', ');
  if (Array.isArray(value))
    return `[${Array.from(value, (one, i) => (i in value ? inner(one) : 'hole')).join(', ')}]`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return `${value.constructor.name}[${list([...value])}]`;
  if (value instanceof Map) return `Map{${[...value].map(([k, v]) => `${inner(k)}: ${inner(v)}`).join(', ')}}`;
  if (value instanceof Set) return `Set{${list([...value])}}`;
  if (value instanceof Error) return String(value);
  return `{${Object.keys(value).map((key) => `${JSON.stringify(key)}: ${inner(value[key])}`).join(', ')}}`;
};

// How a case ends, once promises have settled.
const told = async (run) => {
  try {
    return show(await run());
  } catch (error) {
    return error instanceof Error ? `throws ${error}` : `throws ${show(error)}`;
  }
};
