"""What made-up people are made of. `native|latin` gives the spelling that stands in an address; addresses end in .example."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """Names and places of one country; `zone` is where its events take place, `phone` how its numbers begin."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    zone: str
    phone: str
    share: int


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip().replace("_", " ") for word in text.split())


def _list(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split(";"))


def _places(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [pair.partition(", ") for pair in text.split("; ")]
    return tuple((city, state) for city, _, state in pairs)


AMERICAN_FIRST = _words("Ada Grace Marcus Imani Hailey Trevor Lucille Desmond Maya Wyatt Ruth Jerome Kayla Boone Odette Ike")
AMERICAN_LAST = _words("Harlow Whitfield O’Dell Brightwater Nakamoto-Reyes Fontaine Okafor Stonebridge Pell Vance Mayweather")

COUNTRIES = (
    Country(
        _words("Zoë Elin Åsa Björn Östen Märta Nils Ebba Sven Ylva Håkan Saga Love Tuva"),
        _words("Ångström Lindqvist Öberg Sjögren Åkesson Wallin Nyström Hägg Dahlström Ek Ståhl Björkegren"),
        _places("Göteborg, Västra Götaland; Stockholm, Stockholms län; Malmö, Skåne; Umeå, Västerbotten; Uppsala, Uppsala län"),
        "Europe/Stockholm",
        "+46 70",
        14,
    ),
    Country(
        AMERICAN_FIRST,
        AMERICAN_LAST,
        _places("Brooklyn, NY; Buffalo, NY; Portland, ME; Springfield, MA"),
        "America/New_York",
        "+1 555",
        7,
    ),
    Country(
        AMERICAN_FIRST,
        AMERICAN_LAST,
        _places("Austin, TX; Houston, TX; Springfield, IL; Springfield, MO"),
        "America/Chicago",
        "+1 555",
        6,
    ),
    Country(
        AMERICAN_FIRST,
        AMERICAN_LAST,
        _places("San Francisco, CA; Los Angeles, CA; Oakland, CA; Seattle, WA; Portland, OR"),
        "America/Los_Angeles",
        "+1 555",
        9,
    ),
    Country(
        _words("Jürgen Käthe Lieselotte Anton Friederike Jörg Ruprecht Änne Moritz Hildegard Götz Ulrike"),
        _words("Weißgerber Müller-Thurau Großmann Fröhlich von_der_Aue Kühnel Strobl Ilgner Böttcher Sauerländer Vogtherr"),
        _places("Ulm, Baden-Württemberg; München, Bayern; Köln, Nordrhein-Westfalen; Leipzig, Sachsen; Berlin, Berlin"),
        "Europe/Berlin",
        "+49 171",
        10,
    ),
    Country(
        _words("Żaneta Łukasz Wojciech Małgorzata Grażyna Świętosława Zofia Bożena Tadeusz Stanisława"),
        _words("Kowalczyk-Nowak Brzęczyszczykiewicz Wiśniewski Żółtowski Dąbrowa Śliwa Ćwik Łapiński Jędrzejak"),
        _places("Kraków, Małopolskie; Łódź, Łódzkie; Gdańsk, Pomorskie; Warszawa, Mazowieckie"),
        "Europe/Warsaw",
        "+48 601",
        6,
    ),
    Country(
        _words("María_José Iñaki Begoña Lucía Álvaro Xoán Ximena Joaquín Inés Núria Rubén"),
        _words("Carreño_Quiñones Peñalver Etxeberria Ibáñez de_la_Vega Muñiz Zúñiga Aragón Güell Villalobos"),
        _places("Bilbao, Euskadi; Sevilla, Andalucía; Barcelona, Catalunya; A Coruña, Galicia"),
        "Europe/Madrid",
        "+34 611",
        7,
    ),
    Country(
        _words("Ελένη|eleni Γιώργος|giorgos Αθηνά|athina Νίκος|nikos Μαρία|maria Σταύρος|stavros Φωτεινή|foteini"),
        _words(
            "Παπαδάκη|papadaki Οικονόμου|oikonomou Καραγιάννη|karagianni Αγγελόπουλος|angelopoulos Ψαράς|psaras Μαυρίδης|mavridis"
        ),
        _places("Αθήνα, Αττική; Θεσσαλονίκη, Κεντρική Μακεδονία; Πάτρα, Δυτική Ελλάδα"),
        "Europe/Athens",
        "+30 690",
        4,
    ),
    Country(
        _words("Олена|olena Тарас|taras Наталія|nataliia Сергій|serhii Їванна|yivanna Богдан|bohdan Лариса|larysa"),
        _words("Шевчук|shevchuk Ткаченко|tkachenko Бойчук|boichuk Гончаренко|honcharenko Їжакевич|yizhakevych Лисенко|lysenko"),
        _places("Київ, Київська область; Львів, Львівська область; Одеса, Одеська область"),
        "Europe/Kyiv",
        "+380 67",
        4,
    ),
    Country(
        _words("محمد|mohamed فاطمة|fatima ليلى|layla يوسف|youssef نور|nour خالد|khaled مريم|maryam"),
        _words("الفيومي|alfayoumi حداد|haddad النجار|alnajjar منصور|mansour الشامي|alshami صقر|saqr"),
        _places("القاهرة, القاهرة; الإسكندرية, الإسكندرية; الجيزة, الجيزة"),
        "Africa/Cairo",
        "+20 100",
        5,
    ),
    Country(
        _words("伟|wei 芳|fang 秀英|xiuying 强|qiang 静怡|jingyi 浩然|haoran 思远|siyuan"),
        _words("李|li 王|wang 欧阳|ouyang 司马|sima 陈|chen 林|lin 赵|zhao"),
        _places("上海, 上海; 成都, 四川; 广州, 广东"),
        "Asia/Shanghai",
        "+86 139",
        5,
    ),
    Country(
        _words("さくら|sakura 陽翔|haruto 結衣|yui 蓮|ren 美咲|misaki 大輔|daisuke"),
        _words("佐々木|sasaki 高橋|takahashi 渡邊|watanabe 小野寺|onodera 五十嵐|igarashi 東雲|shinonome"),
        _places("東京, 東京都; 大阪, 大阪府; 札幌, 北海道"),
        "Asia/Tokyo",
        "+81 90",
        4,
    ),
    Country(
        _words("आरती|aarti विक्रम|vikram प्रिया|priya राहुल|rahul कविता|kavita अर्जुन|arjun Meenakshi Raghunath"),
        _words("शर्मा|sharma पटेल|patel चौधरी|chaudhary Venkataraghavan Iyer कुलकर्णी|kulkarni Subramaniam"),
        _places("Bengaluru, Karnataka; मुंबई, Maharashtra; Pune, Maharashtra; Chennai, Tamil Nadu; Kochi, Kerala"),
        "Asia/Kolkata",
        "+91 98",
        6,
    ),
    Country(
        _words("Olúwaṣeun Chidinma Bọ́lá Ngozi Táíwò Ìbùkún Emeka Adaeze"),
        _words("Adébáyò Okonkwo Ògúnbọ̀wálé Eze Nwachukwu Bákàrè Obi"),
        _places("Lagos, Lagos; Ibadan, Oyo; Enugu, Enugu"),
        "Africa/Lagos",
        "+234 803",
        4,
    ),
    Country(
        _words("Nguyệt Minh_Khai Thị_Hương Đức Quốc_Bảo Thảo Ánh"),
        _words("Nguyễn Trần Phạm Đặng Hoàng Vũ Bùi"),
        _places("Hà Nội, Hà Nội; Đà Nẵng, Đà Nẵng; Huế, Thừa Thiên Huế"),
        "Asia/Ho_Chi_Minh",
        "+84 90",
        3,
    ),
    Country(
        _words("Þórdís Guðmundur Ásgeir Sólveig Æsa Ögmundur"),
        _words("Gylfadóttir Þorsteinsson Ægisdóttir Önundarson Hrafnsdóttir"),
        _places("Reykjavík, Höfuðborgarsvæðið; Akureyri, Norðurland eystra"),
        "Atlantic/Reykjavik",
        "+354 69",
        2,
    ),
    Country(
        _words("Siobhán Pádraig Niamh Eoghan Caoimhe Fiadh"),
        _words("d’Arcy-O’Sullivan Ó_Briain Mac_Giolla_Bhríde Ní_Chonaill Brannigan"),
        _places("Galway, Connacht; Cork, Munster; Dublin, Leinster"),
        "Europe/Dublin",
        "+353 86",
        2,
    ),
    Country(
        _words("Søren Bjørg Øyvind Ingrid Kåre Åse"),
        _words("Ødegård Bjørnstad Hæstad Sørlie Ål"),
        _places("Bergen, Vestland; Tromsø, Troms; Oslo, Oslo"),
        "Europe/Oslo",
        "+47 412",
        2,
    ),
)

COMPANIES = _list("""
    Northlight Labs; Kestrel Data; Harbour & Pine; Blåklint AB; Tallgrass Cooperative; Meridian Weavers; Quillwork Press;
    The C# Guild; 100% Sunlight Co-op; Otter & Sons; Lumen Orchard; Brightwater Health; Fjordmark ASA;
    Schraubenwerk Ilgner GmbH; Estudio Peñalver; Café Zürn; Papaya Robotics; Glass Bottom Boats; Iron Thistle;
    Wayfinder Transit; Polder & Dyke; Saltmarsh Radio; Amber Circuit; Little Owl Books; Copperline Energy; Moonrise Bakery;
    Redshank Software; Open Sky Mapping; Second Story Theatre; Juniper & Vale; Paper Lantern Media; Bluestem Bank;
    Hollow Oak Games; Cedar Point Clinic; Delta Loom; Cobblestone Security; Green Kettle Foods; Tandem Cycles;
    Vetebröd Kooperativ; Signal Hill Observatory; Driftwood Analytics; Plum Village School; Rook & Pawn; Windward Sails;
    Hexagon Honey; Granite Peak Outfitters; Night Heron Films; Marigold Care; Foxglove Pharma; Slate & Chalk; Tidal Works;
    Ljusglimt Förlag; Zephyr Turbines; Ada’s Workshop; Kraftwerk Süd eG; Wildflower Labs; Pebble Logistics; Ember Street;
    Northern Loom; Yellow Kite; Zinc Foundry; Oak Hollow; Lantern Row; Mosaic Housing Trust; Sparrow Telecom
""")

TITLES = (
    ("Software Engineer", 16),
    ("Product Manager", 10),
    ("Designer", 9),
    ("Community Manager", 7),
    ("Data Analyst", 7),
    ("Marketing Lead", 6),
    ("Teacher", 6),
    ("Engineering Manager", 5),
    ("Founder", 5),
    ("Student", 8),
    ("Researcher", 5),
    ("Developer Advocate", 4),
    ("Operations Lead", 4),
    ("Journalist", 3),
    ("Volunteer Coordinator", 3),
    ("Librarian", 2),
    ("CTO", 3),
    ("CEO", 3),
    ("Head of People & Culture", 2),
    ("Förste bibliotekarie", 1),
)

TAGS = (
    ("newsletter", 40),
    ("speaker", 5),
    ("volunteer", 9),
    ("sponsor", 3),
    ("alumni", 12),
    ("press", 2),
    ("mentor", 6),
    ("student", 8),
    ("open source", 14),
    ("early bird", 7),
    ("board", 1),
    ("accessibility", 5),
)

TOPICS = (
    "Design Systems Night",
    "Open Data Breakfast",
    "Community Builders’ Table",
    "Python for Neighbours",
    "Accessibility Lab",
    "Founders & Friends",
    "Lightning Talks",
    "Docs Sprint",
    "Women in Tech Supper",
    "Repair Café",
    "Mapping Party",
    "Privacy Clinic",
    "Product Walk & Talk",
    "Volunteers’ Thank-You",
    "Student Showcase",
    "Writers’ Room",
)

VENUES = ("Science Park, Hall 2", "City Library", "The Boiler House", "Harbour Loft", "Old Tram Depot", "Museum Café")

LETTERS = (
    ("You are invited, {{ firstName }}", "save-the-date", "the next season begins and we would love to see you there."),
    ("What we learned this month", "monthly-notes", "here are the talks, the numbers and three things worth reading."),
    ("Doors open at half past five", "reminder", "a short note on how to find us and where to leave your coat."),
    ("Two seats left in the workshop", "last-seats", "if you have thought about it: this is the moment."),
    ("Slides, photos and a thank-you", "thank-you", "everything that was shown is online now."),
    ("Speak at our autumn meetup", "call-for-speakers", "ten minutes, one idea, a friendly room."),
    ("A small survey, four questions", "survey", "your answers decide what we do next."),
    ("Our year in numbers", "year-review", "people, evenings, cups of coffee."),
    ("Meet your neighbours at work", "company-night", "several of you work in the same building."),
    ("New: mentoring for newcomers", "mentoring", "forty mentors have time for you."),
    ("The programme is here", "programme", "six evenings, from design systems to soldering."),
    ("We moved the date", "date-change", "the hall has a water damage; same place, one week later."),
)
