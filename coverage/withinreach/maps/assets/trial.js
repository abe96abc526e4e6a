// What is tried on an area's page: new sites, facilities that are closed, resized or moved, pace and minutes; who is
// reached now, and who would be. All of it is one scenario, whichever service is looked at.

// For scripts of the page: `withinReach.trial.model` holds what is tried, in metres of the study's CRS.
const trial = { model: null };

function makeTrial(walker, content, { cells, isInside }, page) {
  const ways = new Map();
  const model = {
    title: "",
    sites: [],
    closed: new Map(),
    resized: new Map(),
    moved: new Map(),
    tariffs: null,
    service: null,
    pace: content.paces[0],
    minutes: 15,
    result: null,
  };
  const walk = (spot) => walker.within(model.pace, model.minutes * 60, spot);
  const wayOf = (row) => {
    if (!ways.has(row)) ways.set(row, walk(walker.facility(row)));
    return ways.get(row);
  };
  const placed = (place, x, y) =>
    Object.assign(place, { x, y, spot: walker.snap(x, y), inside: isInside(x, y), way: null });

  // Who reaches a facility today, and who would reach one that stays.
  const walkToFacilities = () => {
    const before = new Uint8Array(cells.x.length);
    const open = new Uint8Array(cells.x.length);
    for (const row of model.service.facilities) {
      const way = wayOf(row);
      for (const cell of way.cells) before[cell] = 1;
      if (model.closed.has(row)) continue;
      for (const cell of model.moved.has(row) ? walkTo(model.moved.get(row)).cells : way.cells) open[cell] = 1;
    }
    return { before, open };
  };
  const walkTo = (place) => (place.way ??= walk(place.spot));
  const walkToSites = ({ before, open }) => {
    const after = open.slice();
    for (const site of model.shown()) {
      const { cells: reached } = walkTo(site);
      site.gained = sumOf(cells, reached.filter((cell) => !open[cell]));
      for (const cell of reached) after[cell] = 1;
    }
    const gained = [];
    const lost = [];
    for (let cell = 0; cell < after.length; cell++) {
      if (after[cell] > before[cell]) gained.push(cell);
      if (after[cell] < before[cell]) lost.push(cell);
    }
    model.result = { before, open, after, gained, lost };
  };
  const solve = () => walkToSites(walkToFacilities());
  const anew = () => {
    ways.clear();
    for (const place of [...model.sites, ...model.moved.values()]) place.way = null;
    solve();
  };

  return Object.assign(model, {
    paces: content.paces,
    crs: content.crs,
    cells,
    page,
    selectService(service) {
      const pace = content.paces.find((one) => one.profile === service.profile);
      Object.assign(model, { service, pace, minutes: service.minutes });
      anew();
    },
    // Farther than the streets of the page go around its area, nobody can be told who walks.
    mostMinutes: (pace = model.pace) => Math.floor(content.farthestM / (pace.speed_mm_s / 1000) / 60),
    setPace(at) {
      model.pace = content.paces[at];
      model.minutes = Math.min(model.minutes, model.mostMinutes());
      anew();
    },
    setMinutes(minutes) {
      model.minutes = minutes;
      anew();
    },
    asInStudy: () => model.pace.profile === model.service.profile && model.minutes === model.service.minutes,
    // Sites of the service that is looked at.
    shown: () => model.sites.filter((site) => model.service.kinds.includes(site.kind)),
    add(x, y, told = {}) {
      model.sites.push(placed({ kind: model.service.opens, name: "", capacity: null, cost: null, ...told }, x, y));
      walkToSites(model.result);
    },
    move(site, x, y) {
      placed(site, x, y);
      walkToSites(model.result);
    },
    remove(site) {
      model.sites.splice(model.sites.indexOf(site), 1);
      walkToSites(model.result);
    },
    setCapacity: (site, capacity) => Object.assign(site, { capacity }),
    toggleFacility(row) {
      if (!model.closed.delete(row)) {
        model.closed.set(row, { cost: null });
        model.resized.delete(row);
        model.moved.delete(row);
      }
      solve();
    },
    resizeFacility(row, capacity) {
      if (capacity === null) model.resized.delete(row);
      else model.resized.set(row, { cost: null, ...model.resized.get(row), capacity });
    },
    moveFacility(row, x, y) {
      model.moved.set(row, placed(model.moved.get(row) || { cost: null }, x, y));
      solve();
    },
    restoreFacility(row) {
      for (const changes of [model.closed, model.resized, model.moved]) changes.delete(row);
      solve();
    },
    changed: () => new Set([...model.closed.keys(), ...model.resized.keys(), ...model.moved.keys()]),
    isEmpty: () => model.sites.length === 0 && model.changed().size === 0,
    clear() {
      Object.assign(model, { title: "", sites: [], closed: new Map(), resized: new Map(), moved: new Map(), tariffs: null });
      if (model.service !== null) solve();
    },
    // Takes over what a scenario changes; see scenario.js.
    load({ sites, closed, resized, moved, ...rest }) {
      Object.assign(model, rest, { closed, resized });
      model.sites = sites.map(({ x, y, ...site }) => placed(site, x, y));
      model.moved = new Map([...moved].map(([row, { x, y, ...one }]) => [row, placed(one, x, y)]));
      solve();
    },
    wayOf,
    wayWithin: (spot, minutes) => walker.within(model.pace, minutes * 60, spot),
    peopleOf: (found) => sumOf(cells, found),
    people: () => cells.people[model.service.people],
    capacityOf: (row) => capacityOf(model, row),
    places: () => placesOfService(model),
    catchment: (place) => catchmentOf(model, walkTo(place).cells, place.capacity),
    catchmentOfFacility(row) {
      const way = model.moved.has(row) ? walkTo(model.moved.get(row)) : wayOf(row);
      return catchmentOf(model, way.cells, capacityOf(model, row));
    },
  });
}

// People of every group in some cells.
function sumOf(cells, found) {
  return Object.fromEntries(
    Object.entries(cells.people).map(([group, people]) => {
      let sum = 0;
      for (const cell of found) sum += people[cell];
      return [group, sum / PEOPLE_STEPS];
    })
  );
}

// Places ---------------------------------------------------------------------------------------------------------

function capacityOf({ page, service, resized }, row) {
  if (resized.has(row)) return resized.get(row).capacity;
  const capacities = capacitiesOf(page.facilities.table, service);
  return capacities === null ? null : capacities[row];
}

// Known places of the service inside the area, before and after, and what its norm asks for; null where none counts.
function placesOfService(model) {
  const { page, service, closed, moved } = model;
  const capacities = capacitiesOf(page.facilities.table, service);
  if (capacities === null) return null;
  const { area } = page.facilities.table;
  const isInside = (row) => (moved.has(row) ? moved.get(row).inside : area[row] >= 0);
  const today = service.facilities.filter((row) => area[row] >= 0).map((row) => capacities[row]);
  const then = service.facilities.filter((row) => !closed.has(row) && isInside(row)).map((row) => capacityOf(model, row));
  const sites = model.shown().filter((site) => site.inside).map((site) => site.capacity);
  return {
    before: knownSum(today),
    after: knownSum([...then, ...sites]),
    needed: service.norm === null ? null : service.norm.neededTotal,
  };
}

// As in Python: nothing is known where none of several facilities tells its places.
function knownSum(capacities) {
  const known = capacities.filter((value) => value !== null);
  return capacities.length > 0 && known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

// People of the area who reach a place in time, how many of them there are for each of its places, and how many places
// the norm asks for them.
function catchmentOf({ cells, service }, found, capacity) {
  const people = sumOf(cells, found);
  const own = people[service.people];
  return {
    people: own,
    perPlace: capacity > 0 ? own / capacity : null,
    needed: service.norm === null ? null : (people[service.norm.of] * service.norm.per1000) / 1000,
  };
}
