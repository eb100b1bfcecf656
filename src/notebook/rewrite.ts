/** `npm run notebooks [NAME …]`: executes the committed notebooks on the phantom and writes them back with their outputs. */
import fs from 'node:fs';
import path from 'node:path';
import { execute, problems } from './execute';
import { formProblems } from './form';

const FOLDER = path.join(__dirname, '..', '..', 'notebooks');

async function rewrite(names: readonly string[]): Promise<number> {
  const files = fs
    .readdirSync(FOLDER)
    .filter((file) => file.endsWith('.ipynb') && (names.length === 0 || names.some((n) => file.includes(n))));
  let wrong = 0;
  for (const file of files) {
    const began = Date.now();
    const done = await execute(path.join(FOLDER, file));
    const found = [...problems(done), ...formProblems(done, file)];
    for (const line of found) console.log(`${file}: ${line}`);
    wrong += found.length;
    const text = `${JSON.stringify(done, null, 1)}\n`;
    const beside = path.join(FOLDER, `${file}.partial-${process.pid}`);
    fs.writeFileSync(beside, text);
    fs.renameSync(beside, path.join(FOLDER, file));
    console.log(
      `${file}: ${((Date.now() - began) / 1000).toFixed(0)} s, ${(text.length / 1e6).toFixed(2)} MB`,
    );
  }
  return wrong;
}

rewrite(process.argv.slice(2)).then((wrong) => {
  process.exitCode = wrong > 0 ? 1 : 0;
});
