//! Code that is made the same way each time: most of it harmless, as code is, and every fortieth
//! function with something to find.

use std::fmt::Write;

use domain::SourceFile;

const FILES_PER_LANGUAGE: usize = 12;
const FUNCTIONS_PER_FILE: usize = 60;
const FLAW_EVERY: usize = 40;

pub(crate) struct Template {
    pub(crate) extension: &'static str,
    pub(crate) start: &'static str,
    harmless: &'static str,
    pub(crate) flawed: &'static str,
    pub(crate) end: &'static str,
}

pub(crate) const TEMPLATES: [Template; 5] = [
    Template {
        extension: "py",
        start: "import os\nimport json\n\n\nclass Service:\n",
        harmless: "    def handle_N(self, items, limit=10):\n        \"\"\"Collects what is due.\"\"\"\n        result = []\n        for item in items[:limit]:\n            if item.get('state') == 'open' and item['count'] > N:\n                result.append({'id': item['id'], 'text': f\"{item['name']}: {N}\"})\n            else:\n                self.log.info('skipped %s', item['id'])\n        return json.dumps(result)\n\n",
        flawed: "    def run_N(self, name):\n        os.system('convert ' + name)\n        return self.db.execute(f\"SELECT * FROM t WHERE name = '{name}'\")\n\n",
        end: "",
    },
    Template {
        extension: "ts",
        start: "import { log } from './log';\n\n",
        harmless: "export async function handleN(items: Item[], limit = 10): Promise<Row[]> {\n  const rows: Row[] = [];\n  for (const item of items.slice(0, limit)) {\n    if (item.state === 'open' && item.count > N) {\n      rows.push({ id: item.id, text: `${item.name}: ${item.count}` });\n    } else {\n      log.info('skipped', { id: item.id });\n    }\n  }\n  return rows.filter((row) => row.text.length > 0);\n}\n\n",
        flawed: "export function runN(name: string) {\n  element.innerHTML = '<b>' + name + '</b>';\n  return db.query(`SELECT * FROM t WHERE name = '${name}'`);\n}\n\n",
        end: "",
    },
    Template {
        extension: "go",
        start: "package service\n\nimport \"os/exec\"\n\n",
        harmless: "func handleN(items []Item, limit int) ([]Row, error) {\n\trows := make([]Row, 0, limit)\n\tfor index, item := range items {\n\t\tif index >= limit {\n\t\t\tbreak\n\t\t}\n\t\tif item.State == \"open\" && item.Count > N {\n\t\t\trows = append(rows, Row{ID: item.ID, Text: item.Name})\n\t\t}\n\t}\n\treturn rows, nil\n}\n\n",
        flawed: "func runN(name string) error {\n\treturn exec.Command(\"sh\", \"-c\", \"convert \"+name).Run()\n}\n\n",
        end: "",
    },
    Template {
        extension: "java",
        start: "package shop;\n\nclass Service {\n",
        harmless: "    List<Row> handleN(List<Item> items, int limit) {\n        List<Row> rows = new ArrayList<>();\n        for (Item item : items) {\n            if (item.getState().equals(\"open\") && item.getCount() > N) {\n                rows.add(new Row(item.getId(), item.getName() + \": N\"));\n            } else {\n                log.info(\"skipped {}\", item.getId());\n            }\n        }\n        return rows;\n    }\n\n",
        flawed: "    ResultSet runN(Statement statement, String name) {\n        return statement.executeQuery(\"SELECT * FROM t WHERE name = '\" + name + \"'\");\n    }\n\n",
        end: "}\n",
    },
    Template {
        extension: "rs",
        start: "use std::process::Command;\n\n",
        harmless: "pub fn handle_N(items: &[Item], limit: usize) -> Vec<Row> {\n    let mut rows = Vec::with_capacity(limit);\n    for item in items.iter().take(limit) {\n        match item.state {\n            State::Open if item.count > N => rows.push(Row { id: item.id, text: item.name.clone() }),\n            State::Open | State::Closed => log::info!(\"skipped {}\", item.id),\n        }\n    }\n    rows\n}\n\n",
        flawed: "pub fn run_N(name: &str) {\n    Command::new(\"sh\").arg(\"-c\").arg(format!(\"convert {name}\")).status();\n}\n\n",
        end: "",
    },
];

pub(crate) fn files() -> Vec<SourceFile> {
    let mut files = Vec::new();
    for template in &TEMPLATES {
        for file in 0..FILES_PER_LANGUAGE {
            let mut text = template.start.to_owned();
            for function in 0..FUNCTIONS_PER_FILE {
                let number = file * FUNCTIONS_PER_FILE + function;
                let flawed = number.is_multiple_of(FLAW_EVERY);
                let body = if flawed { template.flawed } else { template.harmless };
                text.push_str(&body.replace('N', &number.to_string()));
            }
            text.push_str(template.end);
            let mut path = String::from("src/");
            let _ = write!(path, "file_{file}.{}", template.extension);
            files.push(SourceFile { path, bytes: text.into_bytes() });
        }
    }
    files
}
