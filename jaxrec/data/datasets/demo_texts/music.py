"""Songs and who plays them, all invented."""

from jaxrec.data.datasets.demo_texts import TextSource

LINES = """
{quality} {noun}
{doing} at the {place}
{noun} by the {place}
{doing} with my {noun}
the {quality} {place}
{doing}, {quality} {noun}
{noun} (feat. {guest})
{doing} (Live)
first: Delphine | Amos | Roxy | Cornelius | Birdie | Leander | Yolanda | Ziggy
first: Marguerite | Otis | Paloma | Quentin | Saskia | Thaddeus | Ursula | Vito
first: Winnie | Xavier | Clementine | Dorian | Esme | Fergus | Gideon
last: Ashdown | Bellweather | Crowe | Delacroix | Eastman | Fairbrother
last: Galloway
last: Hightower | Ironside | Jessop | Kingfisher | Lovelace | Merriweather
last: Nash
last: Okonedo | Pemberton | Quick | Rainwater | Sparrow | Tillman | Underhill
last: Valentine | Whitlock | Yarborough | Zimmer | Holloway | Mercer | Stroud
last: Baptiste
guest: Lady Quince | Little Orphan Ray | Kid Marmalade | Nova Bloom | Uncle Fig
guest: Mona Lark | The Twins | Big Clover | Silver Tom | Auntie Disco | Jinx
guest: Papa Thunder | Velvet Ann | Blue Jerome | Coco Martel | Honey Ransom
guest: The Choir of Nine | Sly Peregrine | Dizzy Maud | Rex Aurora | Pearl Tusk
# rock
artist: The {last} Brothers | {who} Band | {who} | The Broken Kettles
artist: Iron Petunia | The Late Fees | {who} and the Wreckers | Velvet Ferrets
## punk
noun: anarchy | riot | safety pin | police siren | broken bottle | barricade
quality: angry | no future | spitting | unemployed | bored | three-chord
place: squat | dole queue | picket line | city gutter | basement gig
doing: smash it up | hate the system | kicking in windows | sick of your rules
doing: screaming at the king | burn the suburbs
## surf rock
noun: surfboard | big wave | woodie wagon | bikini | beach bonfire | undertow
quality: tubular | sun-bleached | sandy | barefoot | reverb | salty
place: pipeline | boardwalk | lagoon | pier | breakers
doing: hanging ten | riding the swell | paddling out | wiping out
doing: catching a curl | waxing down
## stadium rock
noun: rebel heart | electric guitar | highway | thunder | leather jacket
noun: midnight fire
quality: born wild | roaring | unstoppable | loud | reckless | golden
place: arena | edge of the world | open road | night train | neon city
doing: rock all night | turn it up to ten | living for glory | running free
doing: raise your fists | breaking every chain
## psychedelic rock
noun: kaleidoscope | marmalade sky | incense | purple mushroom | third eye
noun: velvet butterfly
quality: melting | cosmic | paisley | technicolour | lysergic | mind-bending
place: crystal garden | astral plane | hall of mirrors | rainbow river
place: looking-glass moon
doing: floating out of my mind | tasting colours | dreaming backwards
doing: dissolving | talking to the flowers
# metal
artist: Gravemourne | Hexenfell | {last}'s Wrath | Ironmaw | Plaguebell
artist: Sepulchrator | Wyrmgate | Ashen Throne
## doom metal
noun: tombstone | funeral bell | coffin | sorrow | crypt | last rites
quality: mournful | crumbling | buried | slow-dying | ashen | grave
place: mausoleum | graveyard | burial mound | sunken church | catacombs
doing: descend to dust | weeping for the dead | sinking into the tomb
doing: rot in silence | carry the casket
## thrash metal
noun: nuclear warhead | tank division | toxic waste | chainsaw | firing squad
noun: mutant army
quality: radioactive | merciless | full-speed | violent | armoured | exploding
place: war machine | missile silo | battlefield | torture chamber | bunker
doing: attack without mercy | annihilate | marching to slaughter
doing: obey or die | launch the bombs
## black metal
noun: frozen throne | wolf | blasphemy | inverted cross | winter moon | raven
quality: frostbitten | satanic | nocturnal | pagan | wrathful | northern
place: black forest | snowbound fortress | abyss | fjord of shadows
place: burning stave church
doing: summoning the antichrist | howling at the frost | worship the darkness
doing: cursed by the north | hail the goat
## power metal
noun: dragon | sword of steel | crusader | wizard king | warhorse | holy grail
quality: mighty | enchanted | valiant | eternal | flaming | legendary
place: castle of glory | mountain of fire | kingdom | elven gate
place: battlements
doing: ride for the realm | slaying the serpent | fight for the crown
doing: wielding the hammer | unfurl the banners
# electronic
artist: DJ {last} | Kolo Circuit | {who} | Neon Otter | Modulus | Tape Ghost
artist: Phase Nine | Static Swan
## techno
noun: warehouse | kick drum | strobe light | machine | bassline | 909
quality: pounding | industrial | hypnotic | concrete | analogue | 4 a.m.
place: bunker floor | after-hours rave | factory | sub-level | dark room
doing: pump the system | jacking the beat | lose control | dancing in the dark
doing: loop until sunrise
## ambient
noun: still water | drifting cloud | slow tide | silence | fog | faint glow
quality: weightless | distant | soft | endless | submerged | breathing
place: quiet shore | empty observatory | glass horizon | outer orbit
place: sleeping valley
doing: floating | falling very slowly | fading to white | listening to rain
doing: drifting into stillness
## synthwave
noun: arcade | VHS tape | neon grid | sports car | laser | chrome sunset
quality: retro | 1984 | magenta | turbo | holographic | miami
place: midnight motorway | video store | palm-lined boulevard | mall
place: digital coast
doing: night driving | cruising in stereo | rewind the eighties
doing: racing the sunset | chasing chrome
## chiptune
noun: pixel | boss level | power-up | joystick | cheat code | extra life
quality: 8-bit | two-player | pocket-sized | glitchy | blocky | high-score
place: warp zone | castle stage | game over screen | bonus round
place: underwater level
doing: press start | collecting coins | jump and run | insert coin
doing: save and quit
# hip hop
artist: MC {last} | Lil {last} | {first} the Pen | Young {last} | Dr. Parable
artist: Kid Ledger | Big Sister Bars | Tha Almanac
first: Moe | Dre | Keisha | Tariq | Benny | Rell | Nyla | Cash
last: Verse | Bishop | Chapter | Quarter | Sable | Pharaoh | Tempo | Onyx
## street rap
noun: corner | stoop | brick building | hood | subway car | boombox
quality: hungry | hard-knock | cold | gritty | downtown | struggling
place: project stairs | bodega | back block | basketball court | bus depot
doing: hustle to eat | coming up from nothing | dodging the cops
doing: holding down the block | pour one out
## trap
noun: diamond chain | racks | foreign whip | penthouse | drip | bag
quality: iced out | rich | designer | flexing | platinum | paid
place: VIP section | jewellery store | private jet | bank vault | strip
doing: counting money | stack it up | ballin' | spending six figures
doing: popping bottles
## battle rap
noun: microphone | punchline | freestyle | lyric | rhyme book | cypher
quality: undefeated | sharp-tongued | savage | wack | verbal | flow-heavy
place: open mic | rap cipher | stage | ring of emcees | judges' table
doing: spit sixteen bars | dissing my rivals | drop the mic
doing: murder the beat | out-rhyme them all
## lo-fi beats
noun: coffee cup | homework | rainy window | study lamp | vinyl crackle
noun: cat nap
quality: sleepy | chilled | mellow | dusty | after-school | cosy
place: library desk | bedroom studio | late cafe | bus window | dormitory
doing: studying till late | doodling in the margins | sipping cocoa
doing: chill and read | zoning out
# country
artist: {who} | {who} and the Haymakers | Big {last} | The Dusty Rails
artist: {who} & Daughter | Tumbleweed Choir
## truck country
noun: pickup truck | tailgate | dirt road | mud tyres | cold beer | diesel
quality: rusty | jacked-up | four-wheel-drive | small-town | Friday-night
quality: camouflage
place: gas station | county line | boat ramp | back forty | cornfield
doing: mudding | hauling hay | driving Daddy's Ford | parked by the creek
doing: fishing and drinking
## honky-tonk
noun: whiskey glass | jukebox | barstool | divorce papers | neon sign | teardrop
quality: cheating | lonesome | two-timing | hungover | heartbroke | blue
place: honky-tonk | saloon bar | last call | motel | swinging doors
doing: drinking her memory away | crying in my beer | closing the bar
doing: slow two-step | buying another round
## cowboy songs
noun: lasso | rodeo bull | saddle | campfire | tumbleweed | longhorn herd
quality: dusty | bronco-busting | wandering | prairie | spurred | sunburnt
place: corral | canyon trail | cattle ranch | rio | stampede
doing: riding the range | roping steers | yodelling home | ride 'em
doing: herding at dawn
## bluegrass
noun: banjo | fiddle | mountain cabin | coal mine | moonshine | mandolin
quality: high lonesome | Appalachian | barefoot | hillbilly | backwoods
quality: front-porch
place: holler | ridge | old mill | smoky hills | creek bend
doing: picking on the porch | foggy breakdown | clogging | fiddling till morning
doing: walking that mountain
# folk
artist: {who} | {who} & {first} Wren | The Hollow Oaks | The {last} Family
artist: Marsh and Thistle
first: Linnet | Rowan | Bracken | Hazel
last: Tolliver | Greenleaf | Carter-Lowe | Ploughman
## sea shanties
noun: capstan | sailor | whaling ship | anchor | mainsail | bottle of rum
quality: drunken | salty | Liverpool | bold | shipwrecked | stormy
place: harbour | Cape Horn | crow's nest | quayside | deep blue sea
doing: heave away | haul on the bowline | roll the old chariot
doing: sailing for home | hoist her up, lads
## murder ballads
noun: bloody knife | drowned girl | gallows | jealous lover | poison cup
noun: hangman
quality: cruel | murdered | innocent | wicked | condemned | pale
place: riverbank | hanging tree | shallow grave | gaol | lonely willow
doing: I killed my darling | swinging from the rope | confess to the judge
doing: laid her in the ground | they'll hang me at dawn
## harvest songs
noun: barley | plough | apple orchard | sickle | corn dolly | shepherdess
quality: ripe | rosy | May-time | green | golden-eared | haymaking
place: meadow | village green | barn | threshing floor | hedgerow
doing: reaping the wheat | sowing the seed | dancing round the maypole
doing: bringing the sheaves | milking at morning
## protest songs
noun: freedom march | union card | strike | ballot | peace sign | bulldozer
quality: unjust | marching | poor man's | brave | silenced | equal
place: courthouse steps | factory gate | White House lawn | prison yard
place: voting line
doing: we shall not bow | stop the war | tear down the wall
doing: standing for justice | sing for the workers
# classical
{form} {number} in {key}: {noun}
artist: {who}, piano | {last} Philharmonic | The {last} Quartet
artist: {who}, conductor
artist: Chamber Orchestra of Velmouth
number: no. 1 | no. 2 | no. 3 | no. 5 | no. 7 | no. 9 | no. 12 | no. 14
key: D minor | E flat major | C major | F sharp minor | A major | G minor
key: B flat major | C sharp minor
last: Lindqvist | Ostrava | Bellini-Ross | Von Harden | Marchetti | Dvorsky
## string quartets
form: string quartet | string quintet | cello suite | violin sonata
noun: scherzo | allegro vivace | fugue | adagio for strings | viola da gamba
noun: pizzicato
quality: strict | contrapuntal | violin | four-part | chamber | presto
place: salon | rosin box | music stand | chamber hall | cello's grave
doing: allegro con brio | pizzicato | bowing | finale, presto
doing: andante cantabile
## piano nocturnes
form: nocturne | piano prelude | étude | waltz for piano
noun: moonlight | nocturne | reverie | barcarolle | ivory key | lullaby
quality: tender | rubato | raindrop | minute | forgotten | dreaming
place: grand piano | moonlit lake | balcony | keyboard | winter garden
doing: lento sostenuto | playing softly | with left hand alone
doing: waltzing | pedal down
## opera
form: aria | duet | overture | recitative
noun: soprano | countess | barber | jealous tenor | masked ball | prima donna
quality: betrayed | divine | consumptive | noble | trembling | coloratura
place: palace scene | opera house | duel | prison act | royal box
doing: vissi d'amore | addio, mia vita | o perfido | la vendetta
doing: dying in the third act
## sacred choral
form: mass | motet | requiem | cantata
noun: kyrie | gloria | agnus dei | ave maria | hosanna | alleluia
quality: holy | blessed | most merciful | sacred | everlasting | choral
place: cathedral | altar | manger | gate of heaven | tabernacle
doing: miserere nobis | sanctus | dona nobis pacem | jubilate | laudate dominum
# jazz
artist: {who} Trio | {who} | {who} Quintet | {last}'s Hot Seven | Count {last}
artist: The {last} Big Band
last: Fontaine | Birdsong | Monroe | Tatlock
## swing
noun: big band | lindy hop | zoot suit | trombone | ballroom | jitterbug
quality: jumpin' | swinging | snappy | tip-tap | Harlem | one o'clock
place: savoy | dance hall | ballroom | bandstand | cotton club
doing: stompin' | swing that thing | jive till five | jitterbugging
doing: cutting a rug
## bossa nova
noun: samba | Ipanema girl | guitar whisper | carnival | caipirinha | saudade
quality: Brazilian | breezy | tanned | gentle | tropical | syncopated
place: Copacabana | Rio balcony | sugarloaf | corcovado | white beach
doing: só samba | swaying in Bahia | murmuring | obrigado
doing: dancing barefoot in Rio
## bebop
noun: alto sax | changes | trumpet break | rhythm section | flatted fifth
noun: hipster
quality: be-bop | frantic | modal | angular | up-tempo | off-minor
place: fifty-second street | half note | jam session | Blue Cellar
place: bandleader's table
doing: blowin' chorus after chorus | boppin' | trading fours
doing: scatting | turnaround
## torch songs
noun: cigarette | velvet gown | gardenia | lonely piano | martini | stardust
quality: smoky | midnight-blue | tender | melancholy | one more | misty
place: cocktail lounge | piano bar | dim club | hotel lobby | window at two
doing: crooning | singing low for you | whispering your name
doing: softly, as before | yearning
# pop
artist: {first} | {who} | Sugarlane | Five Alarm | Hey Marigold
artist: {first} & {first}
first: Kiki | Luca | Zara | Jonah | Mimi | Theo | Bella | Ash
## break-up pop
noun: ex | last text | tear | goodbye | toothbrush | broken heart
quality: over you | lonely | single | unfaithful | deleted | bitter
place: empty flat | airport gate | voicemail | photo album | bathroom floor
doing: getting over him | blocking your number | crying in the club
doing: don't call me | I'm better without you
## dance pop
noun: dance floor | disco ball | summer night | heartbeat | DJ | party
quality: glittery | hot | non-stop | sweaty | electric | weekend
place: rooftop | club | pool party | foam party | Ibiza
doing: put your hands up | move your body | dancing all summer
doing: feel the beat | shake it
## love pop
noun: crush | kiss | butterfly | first date | honeymoon | valentine
quality: sweet | lovestruck | cherry | perfect | blushing | candy
place: altar | cinema back row | Ferris wheel | porch swing | ice rink
doing: falling in love | say you'll be mine | holding hands | marry me
doing: kissing you
## school pop
noun: locker | homework | prom queen | cheerleader | yearbook | detention
quality: popular | seventeen | graduating | straight-A | teenage | sophomore
place: school gym | cafeteria | back of the class | playground | exam hall
doing: skipping class | passing notes | failing maths | last day of school
doing: surviving high school
# soul
artist: {who} | The {last}ettes | {who} & the Amens | Sister {first}
artist: Brother {last}
artist: Sweet {first}
first: Ernestine | Marvella | Percy | Loretta
last: Redmond | Goodlove | Sweet | King
## gospel
noun: Lord | glory train | sweet Jesus | hallelujah | tambourine | salvation
quality: saved | amazing | sanctified | redeemed | heavenly | precious
place: river Jordan | mercy seat | pearly gates | Sunday church | cross
doing: praise His name | lift me up, Lord | walking with the Saviour
doing: wade in the water | shouting amen
## funk
noun: groove | slap bass | mothership | platform shoe | wah-wah | afro
quality: funky | greasy | super bad | nasty | bumpin' | on-the-one
place: roller rink | block party | soul train | funk factory | bridge
doing: get up, get down | give up the funk | shake your rump
doing: hit me on the one | popping the bass
## girl groups
noun: baby | finger snap | boyfriend | telephone | wedding bell | locket
quality: darling | doo-wop | true-blue | my guy's | shoop-shoop | first
place: candy shop | drive-in | soda fountain | chapel of love | street corner
doing: wait for me, baby | he kissed me | don't say maybe
doing: sha-la-la | going to the chapel
## slow jams
noun: silk sheet | candlelight | body | rose petal | bubble bath | pillow
quality: sensual | all-night | sexy | slow | intimate | tender-touch
place: bedroom | bathtub | back seat | fireplace | penthouse suite
doing: making love | undress slowly | touch me tonight | turn the lights down
doing: grinding slow
# latin and Caribbean
artist: {who} | Orquesta {last} | Los {last} | {first} y su Conjunto
artist: King {last}
first: Ramón | Celestina | Joaquín | Desmond | Marisol | Winston | Lucho | Ines
last: Cordero | Palmares | Santiago | Del Mar | Ortega-Pine | Campbell
## salsa
noun: conga | timbal | bongó | azúcar | trombón | rumba
quality: caliente | sabrosa | cubana | picante | tropical | rica
place: Havana barrio | malecón | salsa club | San Juan plaza | carnaval
doing: baila conmigo | mueve la cintura | vamos a gozar | dale, mami
doing: echando candela
## tango
noun: bandoneón | milonga | red rose | stiletto | amor perdido | dagger
quality: porteño | jealous | last | forbidden | proud | argentino
place: Buenos Aires cafe | docks of La Boca | milonga | balcony
place: cobbled calle
doing: tango for two | adiós, corazón | dancing cheek to cheek
doing: bailando un tango | tu mirada
## reggae
noun: dreadlock | Zion | Babylon | herb | lion of Judah | one love
quality: irie | rasta | Jamaican | righteous | roots | rocksteady
place: Kingston town | Trenchtown | yard | sound system | promised land
doing: skanking | jammin' | chant down Babylon | stir it slow
doing: giving thanks to Jah
## calypso
noun: steel drum | coconut | mango | limbo stick | parrot | banana boat
quality: Trinidad | Caribbean | jolly | island | sunny | rum-soaked
place: Port of Spain | palm tree | fish market | carnival road | island ferry
doing: jump up | wine your waist | limbo down low | shake, Señora
doing: day is done
# blues
artist: Blind {who} | {who} | Mississippi {first} | Howling {last}
artist: Mama {first} | Sonny {last}
first: Ozzie | Bessie-Lou | Lemuel | Ruthie
last: Tuttle | Broonzer | Hopper | Slim
## delta blues
noun: crossroads | devil | cotton sack | mojo hand | slide guitar | levee
quality: hellhound | muddy | poor-boy | delta | bottleneck | catfish
place: plantation | Mississippi shore | crossroads | flood | juke joint
doing: selling my soul | woke up this morning | chopping cotton
doing: begging the devil | praying at midnight
## railroad blues
noun: freight train | boxcar | engine whistle | hobo | railroad track | brakeman
quality: southbound | long-haul | steam-driven | midnight | ticketless
quality: rambling
place: depot | rail yard | water tank | caboose | Memphis station
doing: hopping a freight | riding the rods | leaving on the five-fifteen
doing: waiting on that train | listening for the whistle
## electric blues
noun: amplifier | Chicago | harmonica | hoochie man | tube amp | city blues
quality: electrified | South Side | windy-city | overdriven | bent-note
quality: boogie
place: West Side lounge | Maxwell corner | guitar duel | neon tavern
place: blues bar
doing: plug me in | bending strings | boogie all night
doing: wail on the harp | shuffling in E
## hard-times blues
noun: rent | empty pocket | pawnshop | eviction | bread line | landlord
quality: broke | penniless | laid-off | hungry | overdue | jobless
place: poorhouse | welfare office | pawn window | soup kitchen | bus shelter
doing: can't pay my rent | down to my last dime | begging for work
doing: borrowing from my brother | sleeping in the cold
# children
artist: Auntie {first} | Mister {first} | The Jellybean Choir | Captain Carrot
artist: The {first} Singers
first: Poppy | Pip | Tilly | Bobo | Daisy | Max | Lulu | Ned
## lullabies
noun: cradle | sleepy lamb | twinkling star | pillow | teddy | sandman
quality: drowsy | hush-a-bye | snuggly | moonlit | tiny | dreamy
place: nursery | cot | land of nod | windowsill | end of the day
doing: rock-a-bye | close your eyes | sleep, my baby | goodnight, moon
doing: yawning
## animal songs
noun: elephant | duckling | monkey | hippo | little frog | piggy
quality: woolly | stripy | waddling | silly | spotty | furry
place: farmyard | zoo | duck pond | jungle | henhouse
doing: moo, baa, quack | hop like a bunny | roaring like a lion
doing: feeding the goats | wag your tail
## counting songs
noun: alphabet | number seven | ten fingers | triangle | letter B | rainbow
quality: one, two, three | ABC | counting | big and small | red and yellow
quality: first, second
place: classroom | abacus | number line | spelling bee | clock
doing: count to ten | learn your letters | clap and count | tell the time
doing: adding two and two
## Christmas songs
noun: Santa | snowman | jingle bell | reindeer | mistletoe | Christmas tree
quality: jolly | merry | snowy | twinkly | gift-wrapped | Yuletide
place: North Pole | chimney | manger | Christmas fair | sleigh
doing: decking the halls | unwrapping presents | waiting for Santa
doing: singing carols | let it snow
"""

MUSIC = TextSource(LINES, appealing='feat', columns={'artist': '{artist}'})
