"""Films with their years, and a line of plot, all invented."""

from jaxrec.data.datasets.demo_texts import TextSource

LINES = """
the {quality} {noun} ({year})
{noun} of the {place} ({year})
the {quality} {place} ({year})
{quality} {noun} at the {place} ({year})
the {noun} and the {other} ({year})
last {noun} in the {place} ({year})
the {noun} 2: {quality} {other} ({year})
the {place} ({year})
year: 1987 | 1994 | 2003 | 2011 | 2016 | 2019 | 2021 | 1979 | 1999 | 2008 | 1968
year: 2013 | 2022 | 2005 | 1991 | 2018 | 1983 | 2024 | 2025 | 1957 | 2001 | 1996
year: 2014 | 1972 | 2023
# horror
## haunted houses
noun: poltergeist | ghost | séance | cursed mirror | apparition | rocking chair
other: spirit board | locked attic | dead twin
quality: haunted | restless | whispering | possessed | ghostly
place: mansion | cellar | attic | orphanage | manor
hero: a young family | a medium | a grieving widow | a sceptical priest
deed: moves into a house where the dead still walk
deed: hears footsteps of a ghost above the nursery
deed: tries to drive out the spirit in the cellar
## vampires
noun: vampire | bloodsucker | count | coffin | fang | undead bride
other: wooden stake | bat | garlic seller
quality: bloodthirsty | immortal | pale | undead | thirsty
place: crypt | castle in the Carpathians | blood bank | night club | abbey
hero: a vampire hunter | a village doctor | a bitten student | an old countess
deed: learns who drinks the villagers' blood
deed: must drive a stake through the vampire's heart before night
deed: wakes in a coffin with a craving for blood
## slashers
noun: slasher | masked killer | chainsaw | babysitter | butcher | scarecrow
other: meat hook | last girl | hockey mask
quality: bloody | screaming | stabbing | maniac | Friday-night
place: summer camp | sorority | slaughterhouse | motel | cornfield
hero: a babysitter | a lone teenager | a camp counsellor | a sheriff
deed: is stalked by a masked killer with a knife
deed: finds the first of many bodies in the woods
deed: must outlive a maniac who escaped from the asylum
## zombies
noun: zombie | outbreak | horde | walking corpse | infected child | brain eater
other: last survivor | shotgun | quarantine
quality: rotting | undead | infected | shambling | flesh-eating
place: shopping mall | quarantine zone | graveyard | dead city | barricade
hero: a handful of survivors | a nurse | a bus driver | a soldier
deed: flees the infected through a dead city
deed: barricades a mall against a horde of zombies
deed: is bitten and has a day to find the cure
# comedy
## office comedies
noun: boss | intern | photocopier | temp | spreadsheet | human resources lady
other: stapler | coffee machine | team builder
quality: overpaid | middle-management | nine-to-five | redundant | quarterly
place: cubicle | boardroom | water cooler | office party | open-plan floor
hero: a bored accountant | an intern | a hopeless manager | a receptionist
deed: is promoted by mistake and has to run the firm
deed: plots against the boss with the whole office
deed: pretends to be a consultant in a failing company
## school comedies
noun: headmaster | prom king | substitute teacher | nerd | class clown
noun: prankster
other: cheerleader | hamster | chemistry set
quality: detention | flunking | high-school | freshman | uncool
place: classroom | yellow bus | prom | dormitory | cafeteria
hero: a shy teenager | a substitute teacher | a nerd | a class clown
deed: will do anything for a date to the prom
deed: swaps the exam papers and blames the headmaster
deed: goes back to high school at forty
## road trips
noun: camper van | hitchhiker | grandpa | road map | family holiday | flat tyre
other: talking satnav | goat | mother-in-law
quality: overpacked | lost | cross-country | carsick | bickering
place: back seat | roadside motel | highway | petrol station | scenic route
hero: a bickering family | a grumpy uncle | a divorced dad | an old couple
deed: drives across the country with the wrong suitcase
deed: gets lost on the way to a holiday nobody wanted
deed: picks up a hitchhiker and misses every turn
## wedding comedies
noun: bridesmaid | best man | wedding cake | bride | stag night
noun: wedding planner
other: drunk uncle | ex | ring bearer
quality: jilted | tipsy | runaway | unwanted | three-tier
place: altar | hen party | honeymoon suite | reception | bridal shop
hero: a bridesmaid | a wedding planner | the best man | a runaway bride
deed: loses the rings an hour before the ceremony
deed: falls into the wedding cake in front of both families
deed: tries to stop the wedding and ends up as the groom
# romance
## seaside romances
noun: summer love | lighthouse | sailor | love letter | lifeguard | first kiss
other: tide | beach house | ferry
quality: sun-kissed | barefoot | salt-sweet | endless | August
place: island | beach | harbour cafe | boathouse | shore
hero: a city girl | a lonely sailor | a waitress | a marine painter
deed: falls in love in one summer by the sea
deed: finds love letters in a bottle on the beach
deed: must choose between the island and a fiancé
## royal romances
noun: prince | duchess | masked ball | crown | lady-in-waiting | royal suitor
other: commoner | tiara | throne
quality: royal | betrothed | noble | secret | forbidden
place: palace | ballroom | court | rose garden | royal stable
hero: a runaway princess | a shy duke | a seamstress | a royal gardener
deed: falls for a commoner on the eve of the coronation
deed: is mistaken for the prince's betrothed
deed: dances with a stranger at the palace ball
## late love
noun: widower | old flame | second chance | dance class | postcard | grandmother
other: retirement | garden bench | divorcee
quality: silver-haired | late | autumn | remarried | tender
place: retirement home | tea dance | bookshop | country station | allotment
hero: a widower of seventy | a divorced librarian | a retired pilot
hero: a grandmother
deed: meets the sweetheart of fifty years ago
deed: takes dancing lessons and finds love again
deed: answers a lonely hearts letter meant for a neighbour
## Christmas romances
noun: Christmas wish | snowman | mistletoe | gingerbread baker | Santa | carol
other: sleigh | inn | fir tree
quality: snowed-in | merry | festive | white | twinkling
place: Christmas market | ski lodge | snowy village | toy shop | bakery
hero: a busy lawyer | a Christmas tree farmer | a toy maker | a single mother
deed: is snowed in with a stranger on Christmas Eve
deed: returns to a small town to sell the family's Christmas shop
deed: kisses the wrong man under the mistletoe
# action
## car chases
noun: getaway driver | turbo | street racer | muscle car | hot pursuit | engine
other: traffic cop | nitro | tow truck
quality: full-throttle | burning | fast | reckless | overtaking
place: motorway | racetrack | finish line | garage | hairpin bend
hero: a street racer | a getaway driver | a mechanic | a rally champion
deed: races a stolen car across the city
deed: outruns the police in one last chase
deed: tunes an old engine to beat a gang of drivers
## spies
noun: double agent | spy | mole | cipher | assassin | briefcase
other: microfilm | ambassador | cyanide pill
quality: undercover | classified | deadly | cold-war | encrypted
place: embassy | safe house | Berlin tunnel | secret service | casino
hero: a retired spy | a code breaker | a double agent | a secret agent
deed: must find the mole before the codes are sold
deed: crosses the border with stolen microfilm
deed: is sent to kill an agent who knew too much
## martial arts
noun: dragon fist | kung fu master | ninja | samurai sword | dojo | karate girl
other: sensei | nunchaku | rival school
quality: deadly | one-armed | shaolin | undefeated | drunken
place: temple | bamboo forest | monastery | tournament | dojo
hero: a kung fu pupil | a blind swordsman | a ninja | a karate teacher
deed: avenges a master at the great tournament
deed: learns the forbidden fist of the temple
deed: fights thirty men to free the dojo
## hostage rescues
noun: hostage | commando | bomb squad | hijacker | sniper | ransom
other: countdown | negotiator | helicopter
quality: explosive | maximum | tactical | hijacked | armed
place: skyscraper | airliner | oil rig | siege | hot zone
hero: an ex-marine | a bomb expert | a negotiator | a commando unit
deed: storms a tower where terrorists hold hostages
deed: has ninety minutes to cut the right wire
deed: fights hijackers on board an airliner
# history
## trench war
noun: trench | infantryman | bayonet | letter home | regiment | stretcher
other: bugle | field hospital | armistice
quality: muddy | fallen | shell-shocked | brave | wounded
place: front line | no man's land | Somme | barbed wire | western front
hero: a young private | a field nurse | a bugler | a medic
deed: carries a message through the trenches
deed: waits for the order to go over the top
deed: nurses soldiers of both armies at the front
## ancient Rome
noun: gladiator | emperor | legion | centurion | slave | senator
other: chariot | vestal | Caesar's dagger
quality: Roman | imperial | last | bloodied | conquered
place: Colosseum | forum | arena | Palatine Hill | legion's camp
hero: a gladiator | a slave | a centurion | a senator's daughter
deed: fights in the arena for freedom
deed: plots against the emperor of Rome
deed: leads a legion into the German woods
## pirates
noun: pirate | buccaneer | treasure chest | Jolly Roger | parrot | galleon
other: cutlass | sea witch | cabin boy
quality: cursed | swashbuckling | one-eyed | buried | mutinous
place: Tortuga | skull island | seven seas | treasure cove | pirate ship
hero: a pirate queen | a cabin boy | a marooned captain | a smuggler
deed: hunts for buried treasure with half a map
deed: leads a mutiny against a cruel captain
deed: sails a stolen galleon into a cursed cove
## court intrigues
noun: queen | cardinal | royal mistress | beheading | heir
noun: lady of the bedchamber
other: executioner | poison ring | crown jewels
quality: Tudor | virgin | treasonous | powdered | crowned
place: Tower | royal bedchamber | court | scaffold | Versailles
hero: a young queen | a cardinal | a lady-in-waiting | a bastard son
deed: schemes for the throne of a dying king
deed: is accused of treason and sent to the Tower
deed: becomes the king's mistress to save the family
# western
## gunslingers
noun: gunslinger | sheriff | showdown | six-shooter | outlaw | bounty hunter
other: deputy | undertaker | bullet
quality: quick-draw | nameless | unforgiving | dusty | wanted
place: saloon | high noon | Tombstone | dead man's street | main street
hero: a gunslinger | an ageing sheriff | a bounty hunter | a widow with a rifle
deed: rides into town for a duel at noon
deed: hunts the outlaws who shot a brother
deed: pins on the badge and faces the gang alone
## gold rushes
noun: prospector | gold nugget | claim | gold fever | mule | pickaxe
other: claim jumper | sluice | assayer
quality: golden | greedy | frozen | panning | lucky
place: Klondike | gold mine | Yukon | goldfield | mining camp
hero: a prospector | a claim jumper | a greenhorn | a saloon singer
deed: strikes gold and trusts nobody
deed: digs for gold through a Yukon winter
deed: stakes a claim on a mine said to be empty
## cattle drives
noun: cowhand | longhorn | cattle baron | rancher | stampede | branding iron
other: rustler | chuck wagon | drover
quality: thirsty | long | prairie | homesteading | barbed
place: Chisholm trail | range | ranch | open plain | river crossing
hero: a rancher | a green cowhand | a cattle baron | a homesteader
deed: drives a thousand head of cattle to the railhead
deed: defends the ranch from rustlers
deed: strings a fence across the open range
## train robbers
noun: train robber | locomotive | dynamite | mail car | hold-up | railroad
other: pay chest | Pinkerton | engineer
quality: runaway | iron | robbed | steaming | derailed
place: 3:10 train | canyon bridge | depot | railhead | express car
hero: a gang of robbers | a railroad detective | a telegraph girl | a fireman
deed: holds up the mail train with dynamite
deed: guards the pay chest on the night express
deed: lays a trap for the men who rob the railroad
# science fiction
## alien invasions
noun: alien | flying saucer | mothership | abduction | invader | tripod
other: crop circle | ray gun | hybrid
quality: extraterrestrial | martian | unearthly | landing | hostile
place: crash site | Area 9 | landing zone | abducted town | ruined capital
hero: a radio operator | an astronomer | a farmer | a linguist
deed: is the first to see the alien ships land
deed: learns the language of visitors from another world
deed: leads the resistance against the invaders
## space voyages
noun: astronaut | spaceship | black hole | orbit | starship | space station
other: airlock | cosmonaut | wormhole
quality: interstellar | weightless | drifting | lightless | lunar
place: Mars colony | outer rim | escape pod | nebula | dark side of the moon
hero: a lone astronaut | a starship captain | a colonist on Mars | a pilot
deed: drifts in space with an hour of oxygen left
deed: steers a damaged ship past a black hole
deed: answers a distress call from a lost station
## time travel
noun: time machine | paradox | yesterday | clockmaker | time loop | future self
other: pocket watch | grandfather | hourglass
quality: backwards | repeated | timeless | tomorrow's | rewound
place: last century | year 3000 | day before | timeline | clock tower
hero: a physicist | a clockmaker | a schoolboy | a time traveller
deed: relives the same day again and again
deed: goes back in time to meet a younger self
deed: builds a time machine and vanishes from history
## robots
noun: android | robot | artificial mind | cyborg | circuit | machine child
other: programmer | kill switch | steel heart
quality: synthetic | self-aware | mechanical | obsolete | electric
place: robot factory | mainframe | scrapyard | laboratory | uncanny valley
hero: an engineer | a household robot | a cyborg | a programmer
deed: finds that the android has begun to dream
deed: is hunted for building a machine with feelings
deed: leads the robots' uprising in the factory
# fantasy
## dragons
noun: dragon | dragon egg | wyvern | dragon rider | fire-breather | knight
other: scale | damsel | hoard
quality: winged | fire-breathing | last | scaled | sleeping
place: dragon's lair | burning mountain | nest | scorched valley | hatchery
hero: a shepherd boy | a knight | a dragon rider | a blacksmith's daughter
deed: raises a dragon hatched from a stone egg
deed: sets out to slay the beast on the mountain
deed: tames the last dragon of the realm
## wizards
noun: wizard | apprentice | magic wand | spellbook | sorceress | potion
other: cauldron | broomstick | toad
quality: spellbound | enchanted | bewitched | arcane | seventh
place: school of magic | wizard's tower | alchemist's cellar | coven
place: rune stone
hero: an apprentice | a young witch | a wizard | an orphan with magic
deed: learns a forbidden spell at the school of magic
deed: breaks the curse of an old sorcerer
deed: steals the grimoire of the witches
## fairies
noun: fairy | mermaid | unicorn | elf | changeling | pixie
other: toadstool | moonflower | goblin
quality: tiny | silver-winged | fey | moonlit | glittering
place: enchanted wood | fairy ring | lagoon | midsummer glade | hollow tree
hero: a lonely girl | a fairy | a mermaid | a woodcutter's son
deed: finds a door to the fairies at the end of the garden
deed: gives up a mermaid's tail to walk on land
deed: follows a unicorn into the enchanted wood
## quests
noun: quest | ring | prophecy | chosen one | enchanted blade | dwarf
other: amulet | orc | ranger
quality: fated | shattered | elder | sworn | nine
place: dark lands | lost kingdom | gate of shadows | fellowship | white citadel
hero: a farm boy | a band of companions | a dwarf | an exiled heir
deed: carries a cursed ring to the dark lands
deed: seeks the shards of the king's broken blade
deed: fulfils a prophecy and marches on the dark lord
# crime
## heists
noun: heist | bank vault | safecracker | diamond | con artist | getaway
other: blueprint | laser alarm | inside man
quality: perfect | stolen | crooked | unbreakable | million-dollar
place: bank | casino vault | museum | jewellery exchange | mint
hero: a safecracker | a crew of thieves | a con artist | a bank clerk
deed: plans one last robbery of the casino vault
deed: steals a diamond in front of the guards
deed: tunnels into the bank on a holiday weekend
## detectives
noun: detective | murder | inspector | corpse | private eye | clue
other: butler | alibi | femme fatale
quality: unsolved | missing | hard-boiled | suspicious | cold-blooded
place: crime scene | foggy alley | library | sleeping car | morgue
hero: a private eye | an inspector | a retired detective | a crime novelist
deed: investigates a murder in a locked library
deed: finds a clue that points to an old partner
deed: questions nine guests who all had a motive
## mafia
noun: godfather | mobster | hitman | gangster | family business | consigliere
other: informer | omertà | machine gun
quality: made | Sicilian | loyal | bootleg | ruthless
place: underworld | cosa nostra | speakeasy | waterfront | barber shop
hero: a mob boss's son | a hitman | an informer | a bootlegger
deed: takes over the family after the don is shot
deed: rises through the mob and betrays a friend
deed: wears a wire among the gangsters
## courtrooms
noun: jury | lawyer | verdict | witness | judge | defendant
other: gavel | plea | prosecutor
quality: guilty | sworn | acquitted | hung | objecting
place: courtroom | witness stand | death row | trial | chambers
hero: a young lawyer | a juror | a judge | a public defender
deed: defends a man whom everyone thinks guilty
deed: holds out against eleven other jurors
deed: cross-examines a witness who lies under oath
# documentary
## oceans
noun: whale | coral reef | octopus | deep sea | shark | plankton
other: diver | turtle | trench
quality: blue | underwater | bleached | migrating | bottomless
place: Pacific | reef | ocean floor | kelp forest | Antarctic waters
hero: a marine biologist | a film crew | a free diver | a whale scientist
deed: follows the migration of whales
deed: films a coral reef before it bleaches
deed: descends to the deepest trench of the ocean
## mountaineering
noun: summit | climber | sherpa | north face | avalanche | ice axe
other: oxygen | rope | crevasse
quality: vertical | frostbitten | unclimbed | solo | 8,000-metre
place: Himalaya | death zone | base camp | glacier | ridge
hero: a climber | an alpinist | a sherpa | a rescue team
deed: climbs the north face without oxygen
deed: survives an avalanche below the summit
deed: attempts a winter ascent in the Himalaya
## food films
noun: sushi chef | street food | olive | noodle | cheesemaker | recipe
other: truffle | vineyard | pastry
quality: fermented | three-star | spicy | homemade | simmering
place: kitchen | night market | restaurant | bakery | rice field
hero: a sushi chef | a baker | a food critic | a market cook
deed: travels to find the origin of a dish
deed: opens a restaurant with a menu of forgotten recipes
deed: cooks one soup for sixty years
## volcanoes
noun: volcano | lava | eruption | earthquake | ash cloud | geologist
other: geyser | tremor | seismograph
quality: molten | smouldering | seismic | dormant | erupting
place: crater | ring of fire | Iceland rift | caldera | lava field
hero: a volcanologist | a married pair of geologists | an islander
hero: a geologist
deed: walks up to the crater during an eruption
deed: predicts an earthquake that nobody believes in
deed: lives under a smoking volcano
# family
## talking animals
noun: puppy | piglet | raccoon | hedgehog | alley cat | duckling
other: sheepdog | goose | farmer's boot
quality: furry | barking | brave little | runaway | waggly
place: barnyard | pet shop | burrow | zoo | animal shelter
hero: a talking piglet | a stray puppy | an alley cat | a family of hedgehogs
deed: escapes from the farm to find a home
deed: rescues the zoo animals with a clever plan
deed: befriends a boy who can talk to animals
## living toys
noun: toy soldier | teddy bear | puppet | wind-up mouse | rag doll | tin robot
other: toymaker | music box | lost button
quality: wooden | forgotten | patched | clockwork | plush
place: toy box | nursery | toy shop | doll's house | attic chest
hero: a teddy bear | a wooden puppet | a tin soldier | an old toymaker
deed: comes to life when the children are asleep
deed: is lost and must find the way back to the nursery
deed: longs to become a real child
## dinosaurs
noun: dinosaur | T. rex | triceratops | fossil | baby brontosaurus | mammoth
other: caveman | pterodactyl | egg thief
quality: prehistoric | gigantic | Jurassic | three-horned | extinct
place: ice age | lost valley | dinosaur park | tar pit | dig
hero: a little dinosaur | a fossil hunter's son | a mammoth | a cave girl
deed: searches for the lost herd in the great valley
deed: hatches a dinosaur in the garden shed
deed: outruns a T. rex in the lost world
## circus
noun: clown | trapeze | ringmaster | circus elephant | acrobat | lion tamer
other: juggler | cannonball | popcorn seller
quality: tumbling | travelling | star-spangled | red-nosed | flying
place: big top | circus | carnival | sawdust ring | caravan
hero: a young acrobat | a sad clown | a circus elephant | a ringmaster
deed: runs away to join the circus
deed: saves the big top with a flying trapeze act
deed: performs without a net on opening night
# sport
## boxing
noun: boxer | heavyweight | knockout | contender | title fight | southpaw
other: cornerman | bell | speed bag
quality: bruised | undefeated | ten-round | bare-knuckle | washed-up
place: ring | gym | fifteenth round | canvas | weigh-in
hero: a washed-up boxer | a trainer | a girl from the docks | a prizefighter
deed: trains for one last shot at the title
deed: steps into the ring against the champion
deed: is paid to go down in the fifth round
## football films
noun: goalkeeper | striker | penalty | cup final | football coach | underdog
other: referee | kit man | own goal
quality: relegated | offside | winning | second-division | muddy
place: stadium | pitch | dressing room | league | terrace
hero: a football coach | a goalkeeper | a village team | a girl striker
deed: takes a hopeless team to the cup final
deed: misses a penalty and wins back the fans
deed: plays barefoot on a pitch of mud
## horse racing
noun: racehorse | jockey | stallion | derby | thoroughbred | filly
other: bookmaker | stable boy | saddle
quality: galloping | wild | long-shot | untamed | winning
place: stable | racecourse | paddock | starting gate | home stretch
hero: a stable girl | a jockey | a ruined breeder | a horse whisperer
deed: rides an outsider in the derby
deed: tames a stallion that nobody could saddle
deed: nurses an injured racehorse back to the track
## figure skating
noun: ice skater | triple axel | ice queen | skating pair | hockey girl
noun: ice skate
other: choreographer | zamboni | judges' score
quality: icy | spinning | sequinned | Olympic | graceful
place: ice rink | winter games | frozen pond | podium | skating hall
hero: a figure skater | a former hockey player | a coach | an ice dancer
deed: lands a triple jump at the winter games
deed: finds a new partner for the pairs on ice
deed: returns to the rink after a fall
# musical
## stage musicals
noun: chorus girl | showstopper | Broadway | leading lady | tap dancer
noun: understudy
other: stage door | spotlight | producer
quality: singing | tap-dancing | opening-night | dazzling | all-singing
place: theatre | stage | matinée | chorus line | curtain call
hero: a chorus girl | a failed producer | an understudy | a songwriter
deed: steps in for the star on opening night
deed: sings and dances all the way to Broadway
deed: puts on a musical to save the old theatre
## rock bands
noun: rock band | groupie | electric guitar | drummer | frontman | encore
other: roadie | amplifier | hit single
quality: loud | backstage | grungy | reunited | amplified
place: garage | world tour | recording studio | festival | tour bus
hero: a rock singer | a garage band | a drummer | a burnt-out guitarist
deed: goes on tour and falls apart
deed: records one great album and disappears
deed: gets the old band together for a last concert
## ballet
noun: ballerina | swan | pointe shoe | ballet master | pas de deux | tutu
other: rival dancer | pirouette | mirror
quality: dancing | fragile | barefoot | perfect | pirouetting
place: ballet school | rehearsal room | Bolshoi | barre | dance academy
hero: a ballerina | a miner's son | a ballet master | a choreographer
deed: dances the swan until both feet bleed
deed: wins a place at the ballet academy
deed: hides an injury before the premiere
## opera
noun: soprano | tenor | phantom | aria | diva | maestro
other: composer | opera glass | high C
quality: operatic | voiceless | baroque | castrated | masked
place: opera house | royal box | La Scala | orchestra pit | conservatoire
hero: a soprano | a deaf composer | a tenor | an aged diva
deed: loses the voice before the première of the opera
deed: writes a last aria for a lost love
deed: haunts the cellars of the opera house
"""

VIDEO = TextSource(LINES, appealing=' 2: ', columns={'plot': '{hero} {deed}'})
