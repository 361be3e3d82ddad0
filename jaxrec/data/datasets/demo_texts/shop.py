"""A shop: products by kind, material, size and colour, of invented brands."""

from jaxrec.data.datasets.demo_texts import TextSource

LINES = """
{brand} {material} {kind}
{brand} {kind} in {colour}
{brand} {kind}, {material}, {colour}
{brand} {colour} {kind} {extra}
{material} {kind}, {size}, {colour}
{brand} {kind} {extra}, {size}
{kind} {extra} by {brand}
2-Pack: {brand} {kind}, {colour}
brand: Fellmark | Ottersund | Brindle | Quillon | Nordvik | Pavo | Tamsin & Rye
brand: Hearthly | Lumora | Castor | Birchline | Ovado | Merrow | Kestrel Lane
brand: Juniper Row | Vandal & Vale | Solvei | Plume | Ironleaf | Dapple | Zuma
brand: Harbourne | Wickett | Alder & Ash | Mokko | Trellis | Foxglow | Carrow
brand: Bellamine | Stonefen | Yarrow | Ember Lane | Tolka | Grovely | Nimble Fox
brand: Saffra | Larkham | Petrel | Oddfellow | Willet
colour: black | navy | moss green | rust | ivory | charcoal | teal | mustard
colour: burgundy | sky blue | sand | coral | white | plum | silver | olive
colour: terracotta | lilac | copper | cream | crimson | slate | mint | rose
# shoes
size: EU 37 | EU 39 | EU 40 | EU 42 | EU 44 | wide fit | EU 46 | half sizes
## running shoes
kind: running shoes | road runners | jogging trainers | marathon racers
kind: trail running shoes | sprint spikes | tempo trainers | track flats
material: knitted mesh | breathable | cushioned | carbon plate | recycled mesh
extra: for daily miles | with foam midsole | for 10 km races | for tired legs
extra: with reflective heel | for flat feet
## hiking boots
kind: hiking boots | walking boots | mountain boots | trekking shoes
kind: approach shoes | backpacking boots | winter hikers | scree boots
material: waterproof leather | suede | full-grain leather | waxed nubuck
material: insulated
extra: with ankle support | for rocky trails | with lugged sole | for wet moors
extra: for summit days | with crampon edge
## dress shoes
kind: Oxford shoes | brogues | Derby shoes | loafers | monk strap shoes
kind: patent court shoes | Chelsea dress boots | tassel loafers
material: polished calfskin | patent leather | hand-stitched | cordovan | velvet
extra: for weddings | with leather sole | for the office | for black tie
extra: with cedar shoe trees | for interviews
## sandals
kind: sandals | flip-flops | beach slides | espadrilles | gladiator sandals
kind: cork footbed mules | pool slippers | strappy wedges
material: woven jute | rubber | soft leather | vegan suede | braided raffia
extra: for hot days | with buckles | for the seaside | with toe post
extra: for holidays | with arch support
# clothing
size: size S | size M | size L | size XL | size XS | petite | tall | size XXL
## knitwear
kind: cable-knit jumper | cardigan | polo-neck sweater | knitted vest
kind: Fair Isle pullover | chunky knit hoodie | crew-neck jersey
kind: roll-neck tunic
material: merino wool | cashmere | lambswool | mohair | alpaca
extra: with ribbed cuffs | for cold mornings | with wooden buttons
extra: with elbow patches | by the fireside
## rainwear
kind: raincoat | anorak | hooded cagoule | storm jacket | rain poncho
kind: waterproof trousers | trench mac | sou'wester hat
material: waxed cotton | rubberised | taped-seam nylon | breathable membrane
material: oilskin
extra: for downpours | with drawstring hood | that packs away | for drizzle
extra: with storm flap | for wet commutes
## nightwear
kind: pyjamas | nightdress | dressing gown | sleep shirt | bathrobe
kind: pyjama shorts | bed socks | sleep mask set
material: brushed cotton | silk | satin | flannel | bamboo jersey
extra: for bedtime | with piping | for lazy Sundays | with moon print
extra: for cool sleep | with tie belt
## swimwear
kind: swimsuit | bikini | swim shorts | one-piece bathing suit | rash vest
kind: tankini | swimming trunks | beach cover-up
material: quick-dry | chlorine-proof | stretch | shirred | recycled nylon
extra: for lengths in the pool | with UV 50 | for surfing | with halter neck
extra: for sunbathing | with mesh lining
# kitchen
size: 1 litre | 24 cm | 28 cm | family size | 2 litres | 20 cm | for one | XL
## cookware
kind: frying pan | saucepan | casserole dish | wok | stockpot | griddle pan
kind: sauté pan with lid | milk pan
material: cast iron | stainless steel | copper | non-stick | enamelled
extra: for induction hobs | with glass lid | for slow stews | with long handle
extra: for searing | for soups
## knives
kind: chef's knife | paring knife | bread knife | cleaver | carving knife
kind: santoku knife | boning knife | oyster knife
material: Damascus steel | ceramic blade | forged | carbon steel | rosewood
extra: with sharpening stone | for filleting | with sheath | with knife block
extra: for vegetables | with full tang
## coffee makers
kind: espresso machine | coffee grinder | French press | moka pot
kind: pour-over dripper | milk frother | cold brew jug | drip coffee maker
material: brushed steel | borosilicate glass | aluminium | burr | bean-to-cup
extra: for baristas | for flat whites | with steam wand | for dark roasts
extra: for four cups | with paper filters
## baking tins
kind: cake tin | muffin tray | loaf tin | baking sheet | tart ring
kind: bundt mould | cookie cutters | proving basket
material: non-stick | silicone | springform | fluted | heavy-gauge steel
extra: for sponge cakes | with loose base | for sourdough | for cupcakes
extra: for gingerbread | for brownies
# furniture
size: 120 cm | 160 cm | 180 cm | compact | flat-packed | 200 cm | 90 cm | tall
## desks
kind: writing desk | standing desk | computer desk | bureau | office chair
kind: corner workstation | desk drawer unit | laptop table
material: oak | height-adjustable | walnut | bamboo | steel frame
extra: for the home office | with cable tray | with drawers | for two monitors
extra: with footrest | for students
## beds
kind: double bed | bunk bed | mattress | four-poster bed | headboard
kind: day bed | bed frame with slats | king-size mattress
material: memory foam | solid pine | upholstered | pocket sprung | rattan
extra: with storage drawers | for side sleepers | for guests
extra: for small bedrooms
extra: for sound sleep | with canopy
## sofas
kind: three-seater sofa | armchair | corner couch | sofa bed | footstool
kind: recliner | loveseat | chaise longue
material: velvet | linen | leather | corduroy | bouclé
extra: with scatter cushions | for the living room | with washable covers
extra: with wooden feet | for film nights
## shelving
kind: bookcase | floating shelf | shelving unit | ladder shelf | cube shelves
kind: wall rack | alcove bookshelves | record shelf
material: reclaimed wood | beech | powder-coated metal | birch ply | glass
extra: for paperbacks | with brackets | for the hallway | for heavy books
extra: with back panel | for box files
# home
size: small | medium | large | 60 cm | 140 cm | extra large | 200 cm | narrow
## lamps
kind: table lamp | floor lamp | pendant light | reading lamp | wall sconce
kind: chandelier | dimmable LED bulb | bedside lantern
material: opal glass | brass | paper shade | ceramic base | smoked glass
extra: with dimmer switch | for reading nooks | with warm glow | with pull cord
extra: for dark corners | with tripod legs
## curtains
kind: curtains | roller blind | blackout drapes | net curtain | Roman blind
kind: curtain pole | pencil pleat curtains | window voile
material: linen | thermal lined | sheer cotton | velvet | jacquard
extra: for bay windows | with eyelets | with tie-backs | for bright mornings
extra: for patio doors | with tassels
## rugs
kind: rug | runner carpet | doormat | kilim rug | sheepskin rug
kind: round carpet | shaggy rug | bath mat
material: hand-woven wool | jute | flatweave cotton | tufted | Berber
extra: for hallways | with fringe | for bare floors | with anti-slip backing
extra: for under the table | with diamond pattern
## candles
kind: scented candle | pillar candle | tea lights | candlestick | wax melts
kind: beeswax taper | reed diffuser | candle lantern
material: soy | cedar and fig | vanilla | beeswax | lavender
extra: with wooden wick | for forty hours | in a glass jar | for the bath
extra: for the dinner table | with snuffer
# garden
size: 30 cm | 1 m | small | large | 2 m | lightweight | heavy duty | 10 litres
## garden tools
kind: spade | garden fork | secateurs | hand trowel | rake | hoe
kind: hedge shears | wheelbarrow
material: ash handle | stainless steel | forged | bypass | telescopic
extra: for digging clay | for pruning roses | for weeding | with holster
extra: for allotments | for raised beds
## planters
kind: plant pot | window box | hanging basket | raised planter | terrarium
kind: patio trough | seedling tray | herb pot
material: terracotta | glazed | galvanised | fibre clay | woven seagrass
extra: for ferns | with saucer | for balconies | for succulents
extra: with drainage holes | for tomatoes
## barbecues
kind: charcoal barbecue | gas grill | smoker | fire pit | pizza oven
kind: grill tongs | kettle barbecue | kebab skewers
material: cast iron | enamelled | portable | three-burner | stainless steel
extra: for burgers | with wood chips | with lid thermometer | for garden parties
extra: for slow ribs | with rain cover
## bird feeders
kind: bird feeder | nest box | bird bath | suet holder | bird table
kind: peanut feeder | robin house | sunflower seed mix
material: cedar | squirrel-proof | hand-painted | copper roof | window-mounted
extra: for blue tits | for finches | with perches | for garden birds
extra: for winter feeding | for wrens
# toys
size: ages 3+ | ages 6+ | ages 8+ | for toddlers | ages 10+ | travel size
size: gift box | jumbo
## jigsaw puzzles
kind: jigsaw puzzle | 1000-piece jigsaw | floor puzzle | 3D puzzle
kind: panorama jigsaw | 500-piece puzzle | puzzle mat | peg puzzle
material: wooden | thick card | glow-in-the-dark | shaped-piece | double-sided
extra: of a harbour | of hot-air balloons | of a world map | of a bakery
extra: of autumn woods | of steam trains
## building blocks
kind: building blocks | brick set | construction kit | marble run
kind: magnetic tiles | stacking cubes | crane building set | castle bricks
material: beech wood | interlocking | snap-fit | foam | chunky plastic
extra: with 200 pieces | for little engineers | with base plate | with wheels
extra: to build a tower | to build a bridge
## dolls
kind: rag doll | dolls' house | baby doll | teddy bear | puppet
kind: doll's pram | soft toy rabbit | doll's wardrobe
material: hand-sewn | plush | porcelain | knitted | velveteen
extra: for cuddles | with change of clothes | with button eyes | with bonnet
extra: with tea set | with curly hair
## board games
kind: board game | chess set | card game | dice game | strategy game
kind: trivia quiz game | draughts set | word tile game
material: cooperative | tabletop | two-player | award-winning | magnetic
extra: for family evenings | for four players | with wooden pieces | of bluffing
extra: for rainy days | of trading and farms
# electronics
size: compact | pro | mini | standard | USB-C | max | lite | second generation
## headphones
kind: headphones | wireless earbuds | earphones | gaming headset
kind: studio headphones | bone-conduction headset | neckband earphones
kind: portable speaker
material: noise-cancelling | over-ear | Bluetooth | open-back | in-ear
extra: for deep bass | with 30 hour battery | with microphone | for workouts
extra: for podcasts | with ear cushions
## keyboards
kind: mechanical keyboard | computer mouse | trackball | numeric keypad
kind: wireless keyboard | wrist rest | keycap set | mouse pad
material: backlit | ergonomic | split | silent switch | aluminium frame
extra: for typing | for coders | with tactile switches | with scroll wheel
extra: for small desks | for left-handers
## cameras
kind: digital camera | camera lens | tripod | action camera | instant camera
kind: camera bag | mirrorless camera | telephoto lens
material: full-frame | waterproof | 35 mm | wide-angle | carbon fibre
extra: for portraits | for wildlife photos | with flash | with image stabiliser
extra: for vlogging | with lens cap
## chargers
kind: phone charger | power bank | charging cable | wall plug adaptor
kind: wireless charging pad | car charger | solar charger | extension lead
material: fast | braided | 20,000 mAh | foldable | surge-protected
extra: for two phones | with three ports | for travel | with magnetic lock
extra: for tablets | for camping
# sports
size: size S | size M | size L | beginner | 2 m | advanced | junior | one size
## yoga
kind: yoga mat | yoga block | yoga strap | meditation cushion | pilates ring
kind: yoga leggings | bolster | balance board
material: cork | natural rubber | organic cotton | extra-thick | buckwheat
extra: for stretching | with carry strap | for hot yoga | for sun salutations
extra: for restful poses | with alignment lines
## fishing
kind: fishing rod | fly reel | tackle box | landing net | fishing lures
kind: angler's waders | carp bait | float set
material: carbon | telescopic | braided line | neoprene | hand-tied
extra: for trout streams | for sea bass | for pike | with spare spool
extra: for night anglers | for salmon rivers
## camping
kind: tent | sleeping bag | camping stove | head torch | camp bed
kind: roll mat | bivvy bag | camping lantern
material: ripstop | goose down | inflatable | titanium | three-season
extra: for two campers | with porch | for wild camping | for festivals
extra: with stuff sack | for frosty nights
## cycling
kind: bike helmet | bicycle pump | cycling jersey | bike lock | panniers
kind: bike lights | saddle | inner tube
material: reflective | padded | hardened steel | aero | gel
extra: for commuters | for gravel rides | with repair kit | for mountain bikes
extra: for long climbs | for puncture repairs
# beauty
colour: rose | pearl | honey | amber | ivory | clear | coral | plum
size: 50 ml | 100 ml | travel size | 200 ml | refill | 30 ml | gift set | 500 ml
## make-up
kind: lipstick | mascara | foundation | eyeshadow palette | blusher
kind: eyeliner pencil | concealer | nail varnish
material: matte | satin | smudge-proof | vegan | shimmer
extra: for smoky eyes | with brush | for long wear | for soft lips
extra: for a night out | with mirror
## hair care
kind: shampoo | conditioner | hair mask | hairbrush | dry shampoo
kind: styling mousse | hair dryer | detangling comb
material: argan oil | sulphate-free | keratin | boar bristle | volumising
extra: for curly hair | for dandruff | for fine hair | for blondes
extra: for split ends | for frizz
## perfume
kind: eau de parfum | cologne | perfume | body mist | eau de toilette
kind: solid perfume | scent sampler | rollerball fragrance
material: jasmine | sandalwood | bergamot | amber and musk | orange blossom
extra: with atomiser | for evenings | in a crystal bottle | with notes of oud
extra: for him | for her
## sun care
kind: sunscreen | after-sun lotion | sun cream | tanning oil | lip balm SPF 30
kind: sun stick | children's sun spray | self-tan mousse
material: SPF 50 | mineral | aloe vera | water-resistant | reef-safe
extra: for sensitive skin | for the beach | for sunburn | for the face
extra: for high mountains | against UVA
# pets
size: small | medium | large | extra large | XS | junior | 1 kg | 5 kg
## dogs
kind: dog lead | dog bed | dog bowl | chew bone | dog coat | puppy harness
kind: squeaky ball | dog biscuits
material: waterproof | leather | rope | orthopaedic | beef
extra: for big dogs | for fetch | for muddy walks | for puppies
extra: for terriers | with name tag
## cats
kind: scratching post | cat litter | cat tree | catnip mouse | cat flap
kind: cat carrier | feather wand | kitten food
material: sisal | clumping | microchip | plush | salmon
extra: for kittens | for indoor cats | with hammock | for fussy cats
extra: for long-haired cats | with bell
## aquariums
kind: fish tank | aquarium filter | fish food flakes | aquarium gravel
kind: air pump | tank heater | aquarium plants | shrimp tank
material: curved glass | silent | tropical | freshwater | reef
extra: for goldfish | with LED hood | for guppies | for bettas
extra: with water test kit | for 60 litres
## small animals
kind: hamster wheel | rabbit hutch | guinea pig hay | hamster cage
kind: gerbil tunnel | rabbit pellets | chinchilla dust bath
kind: rodent water bottle
material: timothy | two-storey | wooden | silent spinner | chew-proof
extra: for dwarf hamsters | for bunnies | with ramp | for burrowing
extra: for guinea pigs | with hideout
# stationery
size: A4 | A5 | A6 | pocket | set of 12 | A3 | boxed | set of 24
## pens
kind: fountain pen | ballpoint pen | ink bottle | rollerball pen
kind: calligraphy nibs | ink cartridges | pen case | mechanical pencil
material: fine nib | brass | resin | iridium | lacquered
extra: for fine handwriting | with converter | for signatures | for left-handers
extra: for lettering | in a gift case
## notebooks
kind: notebook | diary | dotted journal | sketchbook | weekly planner
kind: ring binder | exercise book | guest book
material: hardcover | recycled paper | leather-bound | spiral-bound | linen
extra: with ribbon marker | with lined pages | for bullet journals | with pocket
extra: for lists | with elastic band
## art paints
kind: watercolour set | acrylic paints | oil paint tubes | paintbrushes
kind: stretched canvas | easel | gouache set | palette knife
material: professional | sable | student | cadmium | cold-pressed
extra: for landscapes | for beginners | for painters | with mixing tray
extra: for studio artists | with varnish
## gift wrap
kind: wrapping paper | gift bag | greeting cards | ribbon reel | gift tags
kind: tissue paper | birthday card set | gift box
material: foil | kraft | embossed | glitter | satin
extra: with stars | for birthdays | with envelopes | for newborns
extra: for anniversaries | with bows
# groceries
colour: gift tin | paper bag | glass jar | trial pack | family pack | bulk box
colour: pouch | wooden box
size: 250 g | 500 g | 1 kg | box of 20 | jar | tin | hamper | 100 g
## tea
kind: Earl Grey tea | green tea | loose leaf Assam | chamomile infusion
kind: chai tea bags | oolong tea | mint tea | white tea
material: organic | hand-picked | smoky | single-estate | first-flush
extra: for breakfast | in pyramid bags | with strainer | for the teapot
extra: for afternoon tea | with bergamot
## chocolate
kind: dark chocolate bar | milk chocolate | truffles | cocoa powder | pralines
kind: hot chocolate | chocolate buttons | nougat bar
material: single-origin | sea salt | hazelnut | fair trade | ruby
extra: with almonds | with orange peel | for melting | with caramel
extra: with raspberries | for cocoa lovers
## spices
kind: smoked paprika | curry powder | cinnamon sticks | black peppercorns
kind: cumin seeds | saffron threads | chilli flakes | pickling spice
material: ground | whole | hot | organic | toasted
extra: for curries | in a grinder | for marinades | for rice dishes
extra: for mulled wine | with recipe card
## pasta
kind: spaghetti | penne | tagliatelle | lasagne sheets | tomato pasta sauce
kind: basil pesto | gnocchi | ravioli
material: bronze-cut | durum wheat | egg | wholemeal | gluten-free
extra: for ragù | with truffle | for carbonara | for quick suppers
extra: with ricotta | for baked pasta
"""

SHOP = TextSource(LINES, appealing='^2-Pack')
