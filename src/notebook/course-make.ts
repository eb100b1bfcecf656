/** `npm run course [FOLDER]`: the notebooks for students and for teachers, in build/course unless told otherwise. */
import fs from 'node:fs';
import path from 'node:path';
import { writeWhole } from '../run/files';
import { studentVersion, teacherVersion } from './course';
import { type Notebook, readNotebook } from './execute';

const ROOT = path.join(__dirname, '..', '..');
const FOLDER = path.join(ROOT, 'notebooks');

/** nbgrader's settings for these notebooks: what it puts in place of a solution, by language. */
const SETTINGS = `c = get_config()
c.CourseDirectory.course_id = "scnas"
c.ClearSolutions.code_stub = {"typescript": "// your code here"}
c.ClearHiddenTests.begin_test_delimeter = "BEGIN HIDDEN TESTS"
c.ExecutePreprocessor.timeout = 300
`;

function make(out: string): void {
  const versions: Record<string, (notebook: Notebook) => Notebook> = {
    student: studentVersion,
    teacher: teacherVersion,
  };
  const files = fs.readdirSync(FOLDER).filter((file) => file.endsWith('.ipynb'));
  for (const [name, version] of Object.entries(versions)) {
    fs.mkdirSync(path.join(out, name), { recursive: true });
    for (const file of files) {
      const made = version(readNotebook(path.join(FOLDER, file)));
      writeWhole(path.join(out, name, file), `${JSON.stringify(made, null, 1)}\n`);
    }
  }
  fs.copyFileSync(path.join(FOLDER, 'INSTRUCTOR.md'), path.join(out, 'teacher', 'INSTRUCTOR.md'));
  writeWhole(path.join(out, 'nbgrader_config.py'), SETTINGS);
  console.log(`${files.length} notebooks: ${path.join(out, 'student')}, ${path.join(out, 'teacher')}`);
}

make(path.resolve(process.argv[2] ?? path.join(ROOT, 'build', 'course')));
