// What is tried, to a file and from a file; nothing leaves the computer.

function makeScenarioFiles(ground, model, actions) {
  const { page } = ground;
  // What was said last, as lines; `wrong` where nothing was taken over.
  const files = { told: [], wrong: false };
  const say = (told, wrong = false) => Object.assign(files, { told, wrong });

  return Object.assign(files, {
    forget: () => say([]),
    save() {
      const off = model.sites.findIndex((site) => site.spot === null);
      if (off >= 0) return say([fill(page.text.scenario_site_off, { name: siteName(page, model.sites[off], off) })], true);
      say(model.asInStudy() ? [] : [page.text.scenario_pace]);
      download(fileName(model.title || page.text.scenario_untitled), scenarioText(model, remarksOn(page, model)));
    },
    async open(file) {
      let read;
      try {
        read = readScenario(await file.text(), file.name, ground);
      } catch (error) {
        read = { problems: [file.name + ": " + error.message], notes: [] };
      }
      const { problems, notes, changes } = read;
      if (problems.length > 0) return say(problems, true);
      actions.load(changes);
      const counts = { sites: changes.sites.length, closed: changes.closed.size, resized: changes.resized.size, moved: changes.moved.size };
      say([fill(page.text.scenario_loaded, { title: changes.title, ...counts }), ...notes]);
    },
  });
}

// What the page showed when it was saved, for whoever reads the file.
function remarksOn({ study, text, format }, model) {
  const { service, result } = model;
  const [gained, lost] = [result.gained, result.lost].map((found) => format.fewPeople(model.peopleOf(found)[service.people]));
  const told = { service: service.title, minutes: format.plain(model.minutes), speed: format.plain(model.pace.speed_mm_s / 1000), gained, lost };
  return [study.title, fill(text.scenario_remark, told)];
}

function fileName(title) {
  return title.replace(/[\p{Cc}\p{Surrogate}\\/:*?"<>|]/gu, "_").slice(0, 80).trim() + ".toml";
}

function download(name, source) {
  const address = URL.createObjectURL(new Blob([source], { type: "application/toml" }));
  element("a", { attributes: { href: address, download: name } }).click();
  setTimeout(() => URL.revokeObjectURL(address));
}
