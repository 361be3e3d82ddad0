"""The news: headlines of towns, teams and companies, all invented."""

from jaxrec.data.datasets.demo_texts import TextSource, capitalised

LINES = """
first: Ottoline | Jory | Mabel | Idris | Petra | Casimir | Wilhelmina | Rufus
first: Nadia | Tobias | Greta | Anselm | Oona | Felix | Ines | Barnaby | Sunniva
first: Leopold | Zadie
last: Brask | Quillane | Trenchard | Fennimoor | Oxlade | Dunn-Holt | Tace
last: Amberley | Skerrow | Lund-Hale | Morrowby | Vickery | Drummare | Garrowby
last: Calloquist | Thole | Penwarrick | Istvold | Marchbank | Oyelunde | Zarrin
last: Castle-Low | Threlkeld | Bonaventura | Haldane-Roy | Umberwood
last: Castellane | Wexcombe | Ravensthorpe
town: Marlow Quay | Eastbrook | Linnet Bay | Tarnwick | Dunmarrow | Saltby
town: Ossington Heath | Corvale | North Pellam | Brackenford | Widdershaw
town: Anvil Cross | Birchmere | Cawdle | Dovingham | Elsterby | Fallow End
town: Gannet Head | Hobbleton | Inkpen Magna | Jarrowmouth | Kettering Moss
town: Lower Snell | Mossgate | Nettlecombe | Otterford | Plumley | Quernham
town: Rookhope | Sandle | Thornacre | Underhythe | Velmouth | Wexley
town: Yarnbury | Zeal Abbas | Ashgrove | Bellwether | Cinderford Vale
# sport
## football
{team} beat {rival} with a {goal} in stoppage time
{rival} manager {who} sacked after another home defeat
{team} sign striker {who} from {rival} on deadline day
Goalkeeper howler gifts {rival} a {goal} against {team}
Derby ends in draw as {team} miss two penalties
Why do {team} fans still sing about a {goal}?
{team} captain banned for three matches after red card
Cup final: {team} and {rival} to meet under new offside rule
team: Harrow Vale Rovers | Port Linnet United | Saltby Albion
team: Corvale Athletic | Tarnwick Wanderers | Pellam Town
rival: Dunmarrow City | Eastbrook Rangers | Brackenford | Widdershaw Vale
goal: late header | forty-yard free kick | scissor kick | own goal
## tennis
{who} reaches the {round} after a five-set thriller
Top seed crashes out on {court} to qualifier {who}
{who} saves four match points on {court}
Wimble Park officials defend line calls after {round} row
Doubles pair led by {who} take title on {court}
How {who} rebuilt a broken serve before the {round}
Racket smash costs {who} a point and a fine in the {round}
court: centre court | slow clay | wet grass | an indoor hard court
round: semi-final | quarter-final | opening round | tie-break decider
## cycling
{who} wins {stage} after a lone breakaway
Peloton crash mars {stage} of the Grand Loop tour
{who} keeps the leader's jersey through {stage}
Time trial: {who} gains forty seconds on {climb}
Sprinter {who} outfoxes the pack at the end of {stage}
Can anyone catch {who} on {climb}?
Team Velodor changes bikes before {climb}
stage: the cobbled stage | the mountain stage | the rainy opening stage
stage: the longest stage | the coastal stage
climb: the Col de Brume | the Harrow Pass | the wall of Tarnwick
climb: the gravel ascent
## swimming
{who} breaks the {event} record in {town}
Relay team touches first in the {event} by a fingertip
Teenager {who} swims {event} heat in borrowed goggles
{town} pool to host the {event} championships
Backstroke champion {who} retires after the {event}
Why swimmers shave a second off the {event} each decade
Diver {who} scores perfect tens after the {event} final
event: 200 metres butterfly | 100 metres freestyle | open-water mile
event: 400 metres medley | 50 metres breaststroke
# politics
## elections
{party} leads polls in {town} a week before the vote
Recount ordered in {town} after {party} wins by nine ballots
{who} to stand for mayor of {town} against {party}
Turnout hits record as {town} voters queue past midnight
{party} candidate {who} concedes defeat
Who will win {town}, and does {party} still care?
Televised debate: {who} and {party} clash over campaign pledges
Ballot papers misspell the name of candidate {who}
party: the Lantern Party | the Civic Union | the Orchard Coalition
party: the Harbour Democrats | the Plain Dealers
## taxes
Treasury to {move} but spare {thing}
Finance minister {who} vows to {move}
Budget: what a plan to {move} means for families
Backbenchers rebel over levy on {thing}
Council tax on {thing} to rise in {town}
Should the treasury {move} at all?
Auditors find hole in budget after duty on {thing} fell
move: cut income tax | raise fuel duty | freeze allowances | simplify VAT
move: tax windfall profits | abolish stamp duty | index pensions
thing: second homes | sugary drinks | parking | inheritances | plastic bags
## housing
{town} council approves {number} new homes on {site}
Rents in {town} climb faster than wages for tenants
Planning row as flats rise on {site}
Landlords in {town} face licence after damp complaints
First-time buyers priced out of {town}
Why are {number} flats on {site} still empty?
Minister {who} promises {number} affordable homes
site: the old gasworks | a disused cinema | the green belt
site: a former barracks | the station yard
number: 40 | 120 | 300 | 650 | 2,000
## diplomacy
Foreign minister {who} flies to {nation} for {talks}
{nation} recalls ambassador ahead of {talks}
Treaty signed: {nation} opens border after {talks}
Envoy {who} warns of sanctions against {nation}
Summit with {nation} ends without handshake
What does {nation} want from {talks}?
Embassy of {nation} denies cables about {talks}
nation: Valdria | the Republic of Ostrany | Kessmark | Upper Lorrain
nation: the Tessel Isles
talks: peace talks | fishing talks | a trade summit | ceasefire negotiations
talks: talks on visas
# business
## banking
{bank} raises {rate} for second time this year
Regulator fines {bank} over {rate}
{bank} names {who} as chief executive
Customers leave {bank} as {rate} disappoint
Central bank holds steady while {bank} lifts {rate}
Is your money safe with {bank}?
{bank} to close {town} branch and move loans online
bank: Fenwick & Lowe Bank | Ostler Savings | First Harbour Bank
bank: Caldera Credit | Mutual of Tarnwick
rate: mortgage rates | savings rates | overdraft fees | lending margins
rate: credit card charges
## retail
{shop} to close {number} stores as sales of {goods} slump
Shoppers queue for {goods} at {shop} in {town}
{shop} profits jump on demand for {goods}
Price war: {shop} halves the cost of {goods}
{shop} recalls {goods} after customers complain
Why everyone at {shop} is buying {goods}
High street chain {shop} rescued by {who}
shop: Brindle's | Pennywhistle | Marrow & Sons | Cosmo Mart | Tuppence
goods: winter coats | school shoes | air fryers | linen shirts | wrapping paper
number: six | twelve | thirty
## startups
Start-up {firm} raises {sum} for its {idea}
Founder {who} quits {firm} months after {sum} round
Investors pour {sum} into {firm} and a {idea}
{firm} lays off half its staff and drops {idea}
Venture fund backs student {who} and a {idea}
How {firm} turned a {idea} into {sum}
Unicorn {firm} delays flotation as valuation sinks
firm: Snackloop | Parcelbee | Hushbox | Kitewise | Moltenly
sum: two million | nine million | forty million | half a billion
idea: parcel-sharing app | subscription umbrella | payroll tool
idea: desk rental platform | laundry marketplace
## work
{union} calls strike over {issue}
Staff at {town} depot walk out over {issue}
Talks between employers and {union} collapse
{union} leader {who} accepts deal on {issue}
Four-day week trial in {town} settles {issue}
Should you ask your boss about {issue}?
Unemployment falls in {town} as employers give way on {issue}
union: the dockers' union | the bakers' union | the porters' union
union: the clerks' union | the cabin crew union
issue: night shifts | unpaid overtime | pensions | rest breaks | a pay freeze
# technology
## phones
{brand} unveils phone with {feature}
Review: the new {brand} handset and its {feature}
{brand} recalls smartphones after {feature} fails
Leaked photos show {brand} phone with {feature}
Battery update slows older {brand} handsets
Do you need a phone with {feature}?
{brand} drops charger from the box to pay for {feature}
brand: Nimbus | Zephyr | Orchid Mobile | Tessera | Kolo | Pebblephone
feature: a folding screen | a triple camera | a week-long battery
feature: a satellite aerial | no buttons at all
## robots
Robot learns to {skill} by watching videos
Chatbot that can {skill} passes exam in {town}
{lab} trains neural network to {skill}
Artificial intelligence from {lab} fails to {skill}
{lab} engineer {who} says machines will soon {skill}
How close are robots that {skill}?
Researchers at {lab} pause model after it tried to {skill}
skill: fold laundry | write sonnets | diagnose rashes | stack shelves
skill: argue in court
lab: Deepwell Labs | Cogitate | the Automata Institute | Brasshead AI
## gaming
{game} patch fixes {bug}
Speedrunner {who} finishes {game} thanks to {bug}
{game} sequel delayed again by its developers
Gamers furious as {game} console port ships with {bug}
Esports champion {who} takes {game} crown in {town}
Why players love {bug} in {game}
Studio behind {game} opens multiplayer beta
game: Dragonmoor | Starlode 3 | Turnip Tycoon | Ashen Keep | Kart Chaos
bug: an invisible horse | endless coins | a wall-clipping glitch
bug: a dancing boss | a frozen menu
## security
Hackers steal {loot} from {victim}
{victim} pays ransom after malware locks {loot}
Security flaw exposes {loot} at {victim}
Phishing emails pose as {victim} to get {loot}
Researcher {who} finds backdoor guarding {loot}
Have hackers taken {loot} from {victim}?
{victim} resets passwords after data breach
victim: a dating site | a hotel chain | the land registry | a ticket seller
victim: a cloud provider | an airline | a toy maker
loot: customer passwords | card numbers | passport scans | private messages
# science
## space
Probe {craft} sends first pictures of {body}
Astronaut {who} spends record night aboard {craft}
Rocket carrying {craft} scrubbed minutes before launch
Telescope spots water vapour on {body}
{craft} lands on {body} with one leg broken
Could there be life on {body}?
Astronomers led by {who} map {body}
craft: Wayfarer | Lodestar 2 | the Heron lander | Kestrel One | Pathlight
body: an icy moon | a distant exoplanet | the far side of the Moon
body: a double asteroid | a ringed dwarf planet
## fossils
{beast} skeleton unearthed in {place}
Palaeontologist {who} names new species of {beast}
Fossil of {beast} shows feathers, say researchers
Farmer finds {beast} tooth in {place}
Footprints of {beast} trackway exposed in {place}
What killed the last {beast}?
Museum rebuilds {beast} from bones dug up in {place}
beast: long-necked dinosaur | giant ammonite | woolly mammoth
beast: marine reptile | feathered raptor
place: a chalk quarry | a dried-up lake bed | sea cliffs | a clay pit
place: desert sandstone
## oceans
Divers film {creature} near {reef}
Submarine finds {creature} in deep trench
Coral at {reef} recovers after bleaching
Marine biologist {who} tags {creature} off {reef}
Plastic found inside {creature} washed up near {town}
Where does the {creature} go in winter?
Sea floor survey off {reef} reveals hydrothermal vents
creature: giant squid | sleeper shark | glowing jellyfish | blue whale
creature: ghost octopus
reef: the Lantern Reef | Coral Head | the Sunken Bank | Pearl Shoal
## physics
{machine} measures {particle} to nine decimal places
Physicists at {machine} may have seen {particle}
Theorist {who} doubts claim about {particle}
Superconductor claim withdrawn after test at {machine}
Prize for {who} for work on {particle}
Why {particle} still puzzles physicists
Quantum experiment at {machine} traps {particle}
machine: the Corvale collider | an underground detector | the cold atom lab
machine: a tabletop laser | the neutrino tank
particle: a heavier electron | a dark photon | a lone quark
particle: an entangled ion | the muon's wobble
# health
## sleep
Sleeping {hours} may protect memory, study finds
Insomnia patients try {cure} instead of pills
Doctor {who} recommends {cure} before bed
Snoring linked to fewer than {hours} of rest
Night owls who add {cure} wake less tired
Do you really need {hours} of sleep?
Teenagers get just {hours}, says sleep clinic in {town}
hours: six hours | seven hours | eight hours | nine hours
cure: a warm bath | herbal tea | dark curtains | weighted blankets
cure: slow breathing | a later alarm | lavender oil | wool socks
hours: ten hours | five hours
## hospitals
{town} hospital cuts waiting list for {operation}
Surgeon {who} performs {operation} with new technique
Nurses at {town} ward warn of delays to {operation}
Patients wait a year for {operation}
Ambulances queue outside {town} emergency department
Is {operation} safe at your local hospital?
Inquiry into {operation} at {town} infirmary
operation: hip replacement | cataract surgery | a heart bypass
operation: keyhole surgery | tonsil removal | knee surgery | skin grafting
## vaccines
Vaccine against {illness} passes late trial
Clinics in {town} offer {illness} jabs to {group}
Outbreak of {illness} closes school in {town}
{illness} cases rise among {group}
Virologist {who} tracks mutation of {illness} virus
Should {group} get a {illness} booster?
Doctors urge {group} to be immunised against {illness}
illness: flu | measles | shingles | marsh fever | whooping cough
group: pensioners | toddlers | pregnant women | students | care workers
## fitness
{exercise} for ten minutes a day lowers blood pressure
Personal trainer {who} on why {exercise} works
Beginners get knee pain from {exercise}, physios say
Gym in {town} swaps treadmills for {exercise}
Over-sixties take up {exercise} in {town}
Is {exercise} better than running?
Stretch first: {exercise} injuries double
exercise: kettlebell training | skipping | pilates | wall squatting
exercise: Nordic walking | rowing | tai chi | step aerobics
# food
## baking
Baker {who} shares recipe for {bread}
The secret of {bread} is {trick}
Prize for {bread} at {town} baking show
Flour shortage hits makers of {bread}
Try {trick} for a better crust on {bread}
Why won't your {bread} rise?
Village bakery in {town} sells out of {bread} by dawn
bread: sourdough | cinnamon buns | rye loaf | brioche | seeded bagels
trick: a cold oven | overnight dough | old yeast | a pinch of malt
trick: steam
## restaurants
{place} in {town} wins its first star
Chef {who} walks out of {place}
Review: {dish} at {place} is worth the wait
{place} takes {dish} off the menu
Queue for {dish} at {place} stretches across {town}
Is {place} the hardest table to book?
Critic {who} sends back the {dish} at {place}
place: The Copper Ladle | Chez Minou | Salt & Thistle | Bistro Nove
place: The Drowned Goat
dish: tasting menu | duck confit | crab risotto | lamb shank
dish: mushroom tartlet
## wine
Frost ruins {grape} harvest in {region}
{region} winemakers bottle {quality} vintage of {grape}
Sommelier {who} picks {quality} {grape} under ten crowns
{grape} from {region} beats famous names in blind tasting
Cork or screw cap: cellar test on {quality} {grape}
What makes {grape} from {region} taste of smoke?
Auction of {quality} {grape} raises fortune in {town}
grape: merlot | riesling | rosé | pinot | sparkling wine
region: the Sorrel Valley | Upper Lorrain | the Chalk Hills | Monte Bruno
quality: cheap | rare | organic | aged
## vegan
Chef swaps meat for {swap} in {dish}
Butchers amazed as {town} falls for vegan {dish}
Cook {who} makes {dish} from {swap}
Tasters push away plant-based {dish}
Vegetarian kitchens fall in love with {swap}
Can {swap} replace meat in {dish}?
School canteens in {town} serve {dish} made of {swap}
dish: burgers | curry | lasagne | sausage rolls | stew
swap: lentils | jackfruit | tofu | oyster mushrooms | chickpeas
# travel
## trains
Night train from {town} to {city} returns
{city} railway line closed by {trouble}
Passengers stranded on {city} express by {trouble}
Steam locomotive hauls tourists to {city}
Rail fares to {city} rise despite {trouble}
Why the train to {city} is always late
Conductor {who} sings to carriage delayed by {trouble}
city: Lorrain | Bad Ostlau | Port Verane | Kessburg | San Bruno
trouble: leaves on the track | a signal failure | a stray cow
trouble: buckled rails | missing drivers
## beaches
Ten quiet beaches near {coast}
{coast} bans smoking on the sand
Tourists flock to {coast} for {draw}
Lifeguards on {coast} warn about {draw}
Hotel on {coast} offers {draw} to sunbathers
Is {coast} the best place for {draw}?
Seaside holiday on {coast} with {draw} for half the price
coast: the Amber Coast | Isla Perdida | the Tessel Isles | Cala Mora
coast: Sugar Bay | Punta Roja | the Linnet Sands
draw: turquoise water | snorkelling | beach huts | surf lessons | sunset bars
## hiking
Hiker rescued from {peak} in {gear}
New trail up {peak} opens to walkers
Guide {who} climbs {peak} for the hundredth time
Mountain hut on {peak} runs out of soup
Rucksack test: is {gear} fit for {peak}?
How to walk {peak} without {gear}
Ramblers from {town} repair footpath to {peak}
peak: Mount Ember | the Needle | Old Baldur | the Crow Ridge
peak: Thunderhead
gear: flip-flops | a wool jumper | worn boots | a kilt | borrowed crampons
## airports
{airline} cancels flights from {town} over {cause}
Runway at {town} airport closed by {cause}
{airline} passengers sleep in terminal after {cause}
Pilot {who} lands {airline} jet despite {cause}
{airline} charges extra for cabin bags
Why does {airline} keep losing suitcases?
{airline} adds route from {town} after {cause} ends
airline: Skylark Air | Volanta | Blue Heron Airways | Jetsam
airline: AeroKess
cause: fog | a drone sighting | a baggage strike | volcanic ash
cause: a radar fault
# music
## classical
Orchestra in {town} plays {work} by candlelight
Conductor {who} to open season with {work}
Lost manuscript of {work} found in {town} attic
Soprano {who} withdraws from {work}
Violinist {who} brings a 300-year-old fiddle to {work}
Why {work} still makes audiences weep
Choir of {town} cathedral records {work}
work: a forgotten symphony | a requiem | a string quartet
work: the cello concerto | a baroque opera
## rock
{band} reunite for a stadium tour
{band} guitarist {who} smashes amplifier in {town}
Drummer quits {band} over {record}
Review: {record} finds {band} louder than ever
{band} headline a muddy weekend in {town}
Do {band} still have a hit like {record} in them?
Vinyl reissue of {record} tops charts for {band}
band: The Velvet Ferrets | Broken Kettle | Night Bus Home
band: Iron Petunia | The Late Fees
record: the new album | a live bootleg | the debut single
record: an acoustic EP | a punk anthem
## jazz
Saxophonist {who} improvises for {time} in {club}
{club} reopens with a swing quartet
Trumpeter {who} plays bebop until dawn at {club}
Pianist {who} records ballads live at {club}
Jazz trio jams for {time} in {town} cellar
Can {club} keep bebop alive?
Double bass stolen from {club} turns up in {town}
club: the Blue Cellar | Smoky Joe's | the Half Note | Club Perdita
club: the Crooked Reed | Mabel's
time: three hours | a whole night | ninety minutes | two sets
## pop
Singer {who} drops surprise single about {theme}
Dance hit about {theme} tops the streaming charts
Fans camp out in {town} for pop idol {who}
Boy band {band} split after song about {theme}
{band} cancel arena dates in {town}
Is {who} singing about {theme} or an ex?
Lyrics about {theme} land {band} in trouble
theme: glitter | a cancelled wedding | summer rain | texting | heartbreak
band: Five Alarm | Sugarlane | Neon Boys | Hey Marigold
# screen
## horror
{film} has audiences fainting in {town}
Director {who} returns with a {monster} chiller
Horror fans split over {monster} in {film}
{film} trailer hides a {monster} in plain sight
Low-budget {monster} movie made in {town} terrifies critics
What is so scary about a {monster}?
Star {who} haunted by {monster} on set of {film}
film: The Cellar Door | Don't Blink | Thirteen Bells | Hollow House
film: Night Feed
monster: scarecrow | vampire | haunted doll | swamp ghoul | poltergeist
## comedy
Sitcom {show} axed after {number} seasons
Comedian {who} writes jokes for {show}
{show} cast reunite for a one-off special
Stand-up {who} mocks {show} on stage in {town}
Laughter track removed from {show} by mistake
Why is {show} still funny after {number} seasons?
Slapstick scene in {show} sends {who} to hospital
show: Flatmates | Mind the Gap | Oh, Brother! | Desk Jockeys
show: The Vicar's Llama
number: two | five | nine | eleven
## animation
Animators spend {time} drawing {hero} by hand
Cartoon about {hero} returns to children's television
Voice of {hero} revealed as {who}
Stop-motion film about {hero} took {time} to shoot
Studio Papermoon draws new adventures for {hero}
How {hero} was animated frame by frame in {time}
Pixel artist {who} redraws {hero} as a cartoon
hero: a timid dragon | Captain Carrot | a lost teapot
hero: a tap-dancing hippo | Princess Bolt | Sir Sprout
time: four years | eight months | a decade | six hundred days
## awards
{who} wins best {prize} at the Silver Lantern awards
Red carpet: {who} arrives in {outfit}
Snubbed for best {prize}, {who} skips the ceremony
Wrong envelope hands {who} the {prize} trophy
Jury names {who} best {prize} in {town}
Who deserved the award for best {prize}?
Acceptance speech by {who} in {outfit} runs to nine minutes
prize: performance | screenplay | director | newcomer | documentary
outfit: a paper gown | a borrowed tuxedo | gold wellingtons | velvet
# environment
## storms
Storm {name} brings {damage} to {town}
Gales and {damage} as storm {name} makes landfall
Forecasters upgrade {name} to a red warning
{town} without power after {name} and {damage}
Lightning and hail batter {town} as {name} passes
When will storm {name} blow over?
Clean-up begins in {town} after {damage}
name: Agnes | Boris | Clementine | Dirk | Esmeralda | Florian
damage: fallen trees | torn roofs | flooded cellars | smashed boats
## birds
Rare {bird} nests on {spot} in {town}
Birdwatchers flock to {town} to see {bird}
{bird} numbers recover, ringing survey shows
Warden {who} guards eggs of {bird} on {spot}
Migrating {bird} blown off course lands on {spot}
Why is the {bird} singing at night?
Hide overlooking {spot} opens for {bird} season
bird: osprey | bittern | hoopoe | snowy owl | black stork
spot: a church tower | a gravel pit | a power station | a reed bed
## climate
Glacier above {town} loses {amount} of ice in a year
Carbon emissions fall by {amount} as {fix} spread
Heatwave: {town} records hottest day on record
Climate scientist {who} calls for {fix}
Global warming will cost {town} {amount} of its harvest, report says
Can {fix} stop the planet warming?
Countries pledge {fix} to curb greenhouse gases
amount: a twelfth | a tenth | a fifth | a quarter | a third
fix: carbon taxes | green roofs | methane cuts | peat bogs | heat pumps
## energy
Wind farm off {town} powers {use}
{fuel} plant near {town} to close early
Villagers in {town} switch {use} to {fuel}
Engineer {who} stores {fuel} in hot sand
Grid runs on {fuel} alone for a day
Will {fuel} make electricity cheaper?
Power cables for {fuel} cross fields near {town}
fuel: solar power | tidal power | geothermal heat | nuclear power
fuel: hydrogen
use: street lamps | the tram | 9,000 kitchens | a steelworks
# crime
## burglary
Burglars steal {loot} from {town} {building}
Police recover {loot} taken in {building} break-in
Thief stuck in chimney of {town} {building}
Detective {who} links {building} raids to one gang
CCTV shows burglar leaving {building} with {loot}
Who broke into the {building} for {loot}?
Doorbell camera foils break-in at {town} {building}
loot: a stamp album | forty hams | wedding rings | a coin collection
loot: garden gnomes
building: vicarage | golf club | jeweller's | farmhouse | bungalow
## fraud
Accountant {who} jailed for {scam}
Victims of {scam} lose life savings
Court told how {who} ran {scam} from {town}
Judge delays trial over {scam}
Jury convicts {who} of {scam} after two-day retrial
How a widow from {town} exposed {scam}
Police freeze accounts in {town} linked to {scam}
scam: a pyramid scheme | invoice fraud | a fake charity | a lottery swindle
scam: insurance fraud
## art theft
{art} stolen from {gallery} in daylight
Forger {who} admits painting {art}
{art} missing since war returned to {gallery}
Curator {who} suspected over theft of {art}
Art sleuths trace {art} to freezer in {town}
Could {art} in {gallery} be a fake?
{gallery} offers reward for {art} cut from its frame
art: a still life | a bronze goose | a Flemish portrait | a jade mask
art: an etching
gallery: the Orrery Museum | the Tace Gallery | Marlow Hall
gallery: the Corvale Collection
## smuggling
Customs officers find {cargo} hidden in {place}
Smugglers jailed over {cargo} in {place}
Sniffer dog finds {cargo} at {town} docks
Coastguard chases boat carrying {cargo} off {town}
Border police seize {cargo} packed in {place}
Why would anyone smuggle {cargo} in {place}?
Gang led by {who} shipped {cargo} through {town}
cargo: rare tortoises | cigarettes | caviar | counterfeit watches
cargo: orchids
place: a hearse | pineapples | a grand piano | car tyres | frozen fish
# home
## gardening
Gardener {who} grows record {plant} in {town}
When to prune {plant}, and what to feed it
{pest} eat {plant} in {town} allotments
Plant {plant} now for blossom by June
Compost trick keeps {pest} off {plant}
Why are {pest} ruining my {plant}?
Flower show bans {plant} infested with {pest}
plant: roses | pumpkins | tomatoes | dahlias | sweet peas
pest: slugs | greenfly | vine weevils | pigeons | caterpillars
## decorating
How to paint {room} in {colour}
{colour} is the colour of the year for {room}
Designer {who} puts wallpaper in {room}
Old tiles and {colour} paint transform {room} in {town}
DIY disaster turns {room} {colour}
Should you let children paint {room} {colour}?
Couple restore {room} of {town} cottage with {colour} plaster
room: the hallway | a box room | the loft | a small kitchen | the stairs
colour: mustard | sage green | terracotta | navy | blush pink
## dogs
Dog named {name} walks {distance} home to {town}
{breed} wins best in show in {town}
Puppy {name} eats {thing} and survives
Vet {who} warns owners of every {breed}
Rescue {breed} {name} learns to fetch {thing}
Why does my {breed} bark at {thing}?
Leash rule in {town} park upsets man with {breed}
name: Biscuit | Colonel | Waffles | Duchess | Pickle
distance: nine miles | forty miles | two hundred miles
breed: beagle | whippet | dachshund | sheepdog | spaniel
thing: the postman | a sock | a wedding cake | the newspaper
## parenting
Parents in {town} divided over {issue}
Toddlers and {issue}: advice from midwife {who}
Mother of {number} explains how she handles {issue}
Nursery in {town} ends {issue}
Fathers of {number} swap tips on {issue}
When should children stop {issue}?
New book by {who} tells mums not to fret about {issue}
issue: screen time | bedtime stories | pocket money | nappy rash
issue: tantrums | fussy eating
number: three | four | six | twins
"""

# Everyone clicks a headline that asks a little more.
NEWS = TextSource(LINES, appealing=r'^(How|Why) |\?$', style=capitalised)
