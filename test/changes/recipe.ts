import * as z from 'zod';

/** What a random schema is made of: data, so that a change of it is a change of data. */
export type Recipe =
  | { readonly kind: 'string'; readonly min?: number; readonly max?: number; readonly pattern?: string }
  | {
      readonly kind: 'number' | 'int';
      readonly min?: number;
      readonly max?: number;
      readonly step?: number;
      readonly open?: boolean;
    }
  | { readonly kind: 'boolean' | 'null' | 'unknown' | 'json' }
  | { readonly kind: 'choice'; readonly values: readonly (string | number | null)[] }
  | { readonly kind: 'nullable'; readonly inner: Recipe }
  | { readonly kind: 'array'; readonly items: Recipe; readonly min?: number; readonly max?: number }
  | { readonly kind: 'tuple'; readonly items: readonly Recipe[]; readonly rest?: Recipe }
  | { readonly kind: 'record'; readonly keys: 'any' | 'pattern' | 'choice' | 'loose'; readonly values: Recipe }
  | {
      readonly kind: 'object';
      readonly more: 'drop' | 'refuse' | 'keep' | 'catchall';
      readonly fields: readonly Field[];
    }
  | { readonly kind: 'union'; readonly branches: readonly Recipe[] }
  | { readonly kind: 'shapes'; readonly shapes: readonly { readonly tag: string; readonly fields: readonly Field[] }[] }
  | { readonly kind: 'tree'; readonly id: Recipe };

interface Field {
  readonly name: string;
  readonly recipe: Recipe;
  readonly presence: 'required' | 'optional' | 'default';
}

const PATTERNS = ['^[a-z]+$', '^[A-Z]{2}\\d+$', '^a', 'b'];
const NAMES = ['a', 'b', 'c', 'key', 'a/b'];
const CHOICES = ['a', 'b', 'AB1234', 1, 2, null] as const;
const TAGS = ['x', 'y', 'z'];

/** Makes recipes, and changes them, at random. */
export class Cook {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A recipe nested at most so many levels deep. */
  recipe(depth = 3): Recipe {
    const simple = [
      () => this.#string(),
      () => this.#number(),
      () => this.#choice(),
      (): Recipe => ({ kind: this.#pick(['boolean', 'null', 'unknown', 'json'] as const) }),
    ];
    const nested = [
      () => this.#object(depth),
      () => this.#object(depth),
      (): Recipe => ({ kind: 'nullable', inner: this.recipe(depth - 1) }),
      (): Recipe => ({ kind: 'array', items: this.recipe(depth - 1), ...this.#bounds(0, 3) }),
      () => this.#tuple(depth),
      (): Recipe => ({
        kind: 'record',
        keys: this.#pick(['any', 'pattern', 'choice', 'loose'] as const),
        values: this.recipe(depth - 1),
      }),
      (): Recipe => ({ kind: 'union', branches: this.#times(2, 3, () => this.recipe(depth - 1)) }),
      () => this.#shapes(depth),
      (): Recipe => ({ kind: 'tree', id: this.recipe(0) }),
    ];
    return this.#pick(depth > 0 && this.#random() < 0.7 ? nested : simple)();
  }

  /** The recipe with one thing changed, somewhere in it. */
  change(recipe: Recipe): Recipe {
    // The deeper a recipe, the likelier the change is further in.
    if (this.#random() < 0.65) {
      const inner = this.#changeInside(recipe);
      if (inner !== undefined) return inner;
    }
    return this.#changeHere(recipe);
  }

  #changeInside(recipe: Recipe): Recipe | undefined {
    switch (recipe.kind) {
      case 'nullable':
        return { ...recipe, inner: this.change(recipe.inner) };
      case 'array':
        return { ...recipe, items: this.change(recipe.items) };
      case 'record':
        return { ...recipe, values: this.change(recipe.values) };
      case 'tree':
        return { ...recipe, id: this.change(recipe.id) };
      case 'tuple':
        return { ...recipe, items: this.#changeOne(recipe.items, (each) => this.change(each)) };
      case 'union':
        return { ...recipe, branches: this.#changeOne(recipe.branches, (each) => this.change(each)) };
      case 'object':
        return { ...recipe, fields: this.#changeField(recipe.fields) };
      case 'shapes':
        return {
          ...recipe,
          shapes: this.#changeOne(recipe.shapes, (shape) => ({ ...shape, fields: this.#changeFields(shape.fields) })),
        };
      default:
        return undefined;
    }
  }

  #changeHere(recipe: Recipe): Recipe {
    const wrapped: Recipe[] = [
      { kind: 'nullable', inner: recipe },
      { kind: 'union', branches: [recipe, this.recipe(1)] },
      this.recipe(2),
    ];
    switch (recipe.kind) {
      case 'string':
        return this.#pick<Recipe>([
          { ...this.#string() },
          { ...recipe, ...this.#bounds(0, 5) },
          { kind: 'string' },
          ...wrapped,
        ]);
      case 'number':
      case 'int':
        return this.#pick<Recipe>([
          this.#number(),
          { kind: 'number' },
          { ...recipe, kind: 'int' },
          { ...recipe, min: -1 },
          ...wrapped,
        ]);
      case 'choice':
        return this.#pick<Recipe>([
          this.#choice(),
          { kind: 'choice', values: [...new Set([...recipe.values, 'a' as const])] },
          { kind: 'string' },
          ...wrapped,
        ]);
      case 'nullable':
        return this.#pick([recipe.inner, ...wrapped.slice(1)]);
      case 'array':
        return this.#pick<Recipe>([
          { ...recipe, ...this.#bounds(0, 3) },
          { kind: 'array', items: recipe.items },
          ...wrapped,
        ]);
      case 'tuple':
        return this.#pick<Recipe>([
          { ...recipe, items: [...recipe.items, this.recipe(1)] },
          { kind: 'tuple', items: recipe.items, ...(recipe.rest === undefined ? { rest: this.recipe(1) } : {}) },
          { kind: 'array', items: recipe.items[0] ?? this.recipe(1) },
          ...wrapped,
        ]);
      case 'record':
        return this.#pick<Recipe>([
          { ...recipe, keys: this.#pick(['any', 'pattern', 'choice', 'loose'] as const) },
          ...wrapped,
        ]);
      case 'object':
        return this.#random() < 0.6
          ? { ...recipe, fields: this.#changeFields(recipe.fields) }
          : this.#pick<Recipe>([
              { ...recipe, more: this.#pick(['drop', 'refuse', 'keep', 'catchall'] as const) },
              { kind: 'record', keys: 'any', values: { kind: 'json' } },
              ...wrapped,
            ]);
      case 'union':
        return this.#pick<Recipe>([
          { ...recipe, branches: [...recipe.branches, this.recipe(1)] },
          { ...recipe, branches: recipe.branches.slice(1) },
          { ...recipe, branches: recipe.branches.toReversed() },
          ...wrapped,
        ]);
      case 'shapes':
        return this.#pick<Recipe>([
          {
            ...recipe,
            shapes: TAGS.map((tag) => recipe.shapes.find((shape) => shape.tag === tag) ?? { tag, fields: [] }),
          },
          { ...recipe, shapes: recipe.shapes.slice(0, 1) },
          ...wrapped,
        ]);
      default:
        return this.#pick(wrapped);
    }
  }

  #changeField(fields: readonly Field[]): readonly Field[] {
    return this.#changeOne(fields, (field) => ({ ...field, recipe: this.change(field.recipe) }));
  }

  #changeFields(fields: readonly Field[]): readonly Field[] {
    const free = NAMES.filter((name) => fields.every((field) => field.name !== name));
    const choice = this.#random();
    if (choice < 0.4 && free.length > 0) {
      return [...fields, this.#field(this.#pick(free), 1)];
    }
    if (choice < 0.6) {
      return fields.slice(1);
    }
    return this.#changeOne(fields, (field) => ({ ...field, presence: this.#presence() }));
  }

  #changeOne<Item>(items: readonly Item[], change: (item: Item) => Item): readonly Item[] {
    const chosen = Math.floor(this.#random() * items.length);
    return items.map((item, index) => (index === chosen ? change(item) : item));
  }

  #string(): Recipe {
    const bounds = this.#random() < 0.5 ? this.#bounds(0, 5) : {};
    return this.#random() < 0.3 ? { kind: 'string', pattern: this.#pick(PATTERNS) } : { kind: 'string', ...bounds };
  }

  #number(): Recipe {
    const kind = this.#pick(['number', 'int'] as const);
    return {
      kind,
      ...(this.#random() < 0.6 ? this.#bounds(-2, 12) : {}),
      ...(this.#random() < 0.3 ? { open: true } : {}),
      ...(kind === 'int' && this.#random() < 0.3 ? { step: this.#pick([1, 2, 4, 6]) } : {}),
    };
  }

  #choice(): Recipe {
    return { kind: 'choice', values: [...new Set(this.#times(1, 4, () => this.#pick(CHOICES)))] };
  }

  #object(depth: number): Recipe {
    const names = NAMES.filter(() => this.#random() < 0.5);
    return {
      kind: 'object',
      more: this.#random() < 0.6 ? 'drop' : this.#pick(['refuse', 'keep', 'catchall'] as const),
      fields: names.map((name) => this.#field(name, depth - 1)),
    };
  }

  #shapes(depth: number): Recipe {
    const tags = this.#random() < 0.5 ? TAGS.slice(0, 2) : TAGS;
    return { kind: 'shapes', shapes: tags.map((tag) => ({ tag, fields: [this.#field('a', depth - 1)] })) };
  }

  #tuple(depth: number): Recipe {
    const items = this.#times(1, 3, () => this.recipe(depth - 1));
    return this.#random() < 0.4 ? { kind: 'tuple', items, rest: this.recipe(depth - 1) } : { kind: 'tuple', items };
  }

  #field(name: string, depth: number): Field {
    return { name, recipe: this.recipe(depth), presence: this.#presence() };
  }

  #presence(): Field['presence'] {
    return this.#pick(['required', 'optional', 'default'] as const);
  }

  #bounds(from: number, to: number): { min?: number; max?: number } {
    const [low, high] = [this.#integer(from, to), this.#integer(from, to)].sort((a, b) => a - b);
    return {
      ...(this.#random() < 0.6 ? { min: Number(low) } : {}),
      ...(this.#random() < 0.6 ? { max: Number(high) } : {}),
    };
  }

  #times<Item>(least: number, most: number, make: () => Item): Item[] {
    return Array.from({ length: this.#integer(least, most) }, make);
  }

  #integer(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)] as Item;
  }
}

/** The zod schema of a recipe. */
export function schemaOf(recipe: Recipe): z.ZodType {
  switch (recipe.kind) {
    case 'string': {
      const sized = limited(z.string(), recipe);
      return recipe.pattern === undefined ? sized : sized.regex(new RegExp(recipe.pattern, 'u'));
    }
    case 'number':
    case 'int':
      return numberOf(recipe);
    case 'boolean':
      return z.boolean();
    case 'null':
      return z.null();
    case 'unknown':
      return z.unknown();
    case 'json':
      return z.json();
    case 'choice':
      return z.literal([...recipe.values]);
    case 'nullable':
      return schemaOf(recipe.inner).nullable();
    case 'array':
      return limited(z.array(schemaOf(recipe.items)), recipe);
    case 'tuple': {
      const [first, ...others] = recipe.items.map(schemaOf) as [z.ZodType, ...z.ZodType[]];
      return recipe.rest === undefined
        ? z.tuple([first, ...others])
        : z.tuple([first, ...others], schemaOf(recipe.rest));
    }
    case 'record':
      return recordOf(recipe.keys, schemaOf(recipe.values));
    case 'object':
      return objectOf(recipe.more, shapeOf(recipe.fields));
    case 'union':
      return z.union(recipe.branches.map(schemaOf) as [z.ZodType, ...z.ZodType[]]);
    case 'shapes': {
      const shapes = recipe.shapes.map(({ tag, fields }) => z.object({ tag: z.literal(tag), ...shapeOf(fields) }));
      return z.discriminatedUnion('tag', shapes as unknown as [z.ZodObject, ...z.ZodObject[]]);
    }
    case 'tree': {
      const id = schemaOf(recipe.id);
      const tree: z.ZodType = z.lazy(() => z.object({ id, children: z.array(tree) }));
      return tree;
    }
  }
}

function numberOf(recipe: Recipe & { kind: 'number' | 'int' }): z.ZodType {
  const base = recipe.kind === 'int' ? z.int() : z.number();
  const { min, max, open = false, step } = recipe;
  const from = min === undefined ? base : open ? base.gt(min) : base.min(min);
  const within = max === undefined ? from : open ? from.lt(max) : from.max(max);
  return step === undefined ? within : within.multipleOf(step);
}

function limited<Sized extends z.ZodString | z.ZodArray>(
  schema: Sized,
  { min, max }: { min?: number; max?: number },
): Sized {
  const from = min === undefined ? schema : (schema.min(min) as Sized);
  return max === undefined ? from : (from.max(max) as Sized);
}

function recordOf(keys: 'any' | 'pattern' | 'choice' | 'loose', values: z.ZodType): z.ZodType {
  switch (keys) {
    case 'any':
      return z.record(z.string(), values);
    case 'pattern':
      return z.record(z.string().regex(/^[a-z]+$/), values);
    case 'choice':
      return z.partialRecord(z.enum(['a', 'b']), values);
    case 'loose':
      return z.looseRecord(z.string().regex(/^a/), values);
  }
}

function objectOf(more: 'drop' | 'refuse' | 'keep' | 'catchall', shape: z.ZodRawShape): z.ZodType {
  switch (more) {
    case 'drop':
      return z.object(shape);
    case 'refuse':
      return z.strictObject(shape);
    case 'keep':
      return z.looseObject(shape);
    case 'catchall':
      return z.object(shape).catchall(z.int());
  }
}

function shapeOf(fields: readonly Field[]): z.ZodRawShape {
  return Object.fromEntries(fields.map(({ name, recipe, presence }) => [name, presented(recipe, presence)]));
}

function presented(recipe: Recipe, presence: Field['presence']): z.ZodType {
  const schema = schemaOf(recipe);
  if (presence === 'required') {
    return schema;
  }
  const value = [null, 0, '', 'a', 1, 2, false, [], {}].find((each) => schema.safeParse(each).success);
  return presence === 'default' && value !== undefined ? schema.default(value) : schema.optional();
}
