/** What a statement does, in few words that take few values. */
export interface QuerySummary {
  /** `db.query.summary`, e.g. "INSERT history.record". */
  readonly text: string;
  /** `db.operation.name`, where it does one thing only. */
  readonly operation: string | undefined;
}

/** Statements are few; what is built at run time must not fill the memory all the same. */
const maxKnown = 2_000;
const maxLength = 255;
const maxSqlLength = 20_000;
/** What frames a transaction or sets up a session. */
const framing = /^\s*(begin|commit|rollback|savepoint|release|set|start|abort|discard|listen|unlisten|deallocate)\b/i;
const clause =
  /\b(for\s+(?:no\s+key\s+)?update|do\s+update|on\s+update|select|insert\s+into|update|delete\s+from|from|join|call|copy)\b(?:\s+(?:only\s+|lateral\s+)?("?[a-z_][\w$]*"?(?:\."?[a-z_][\w$]*"?)*)(\s*\()?)?/gi;
const known = new Map<string, QuerySummary | undefined>();

/** The summary of a statement; undefined for what only frames others. */
export function summaryOf(sql: string): QuerySummary | undefined {
  if (known.has(sql)) return known.get(sql);
  const summary = framing.test(sql) ? undefined : summarize(sql.slice(0, maxSqlLength));
  if (known.size < maxKnown) known.set(sql, summary);
  return summary;
}

function summarize(sql: string): QuerySummary {
  const words: string[] = [];
  const operations = new Set<string>();
  // Names of common table expressions are no tables.
  const expressions = new Set(
    [
      ...sql.matchAll(
        /(?:\bwith(?:\s+recursive)?|,|\))\s+("?[a-z_]\w*"?)(?:\s*\([^()]*\))?\s+as\s+(?:not\s+)?(?:materialized\s+)?\(/gi,
      ),
    ].map(([, name = ""]) => name.toLowerCase()),
  );
  for (const [, verb = "", name, opens] of plain(sql).matchAll(clause)) {
    const word = verb.toLowerCase().split(/\s/)[0] ?? "";
    if (word === "for" || word === "do" || word === "on") continue;
    const isOperation = word !== "from" && word !== "join";
    if (isOperation) {
      operations.add(word.toUpperCase());
      words.push(word.toUpperCase());
    }
    const isCalled = opens !== undefined && name?.includes(".") === true;
    const target = word === "select" && !isCalled ? undefined : name?.replaceAll('"', "");
    const isFunction = opens !== undefined && word !== "insert";
    if (target === undefined || expressions.has(target.toLowerCase()) || (isFunction && !target.includes(".")))
      continue;
    words.push(target);
  }
  const unique = words.filter((word, index) => word !== words[index - 1]);
  const text = unique.length === 0 ? (/\w+/.exec(sql)?.[0] ?? "query").toUpperCase() : unique.join(" ");
  const [operation] = operations;
  return { text: text.slice(0, maxLength), operation: operations.size === 1 ? operation : undefined };
}

/** Without texts and comments, in which words are no keywords. */
function plain(sql: string): string {
  return sql.replace(/'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\//g, " ");
}
